"""Doubles numbers, writes words in capitals, and gives a 64-bit integer back."""

import numpy
import triton_python_backend_utils as triton


class TritonPythonModel:
    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        x, word, big = (
            triton.get_input_tensor_by_name(request, name).as_numpy() for name in ("x", "word", "big")
        )
        upper = numpy.vectorize(lambda text: text.decode().upper().encode(), otypes=[object])(word)
        return triton.InferenceResponse(
            output_tensors=[
                triton.Tensor("y", x * 2),
                triton.Tensor("upper", upper),
                triton.Tensor("same", big),
            ]
        )
