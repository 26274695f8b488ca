"""Takes its time to load and to answer, and looks whether the caller is still there, as Triton asks models to."""

import time

import numpy
import triton_python_backend_utils as triton

LOAD_SECONDS = 3


class TritonPythonModel:
    def initialize(self, args):
        time.sleep(LOAD_SECONDS)

    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        seconds = float(triton.get_input_tensor_by_name(request, "seconds").as_numpy()[0])
        begun = time.monotonic()
        while time.monotonic() - begun < seconds and not request.is_cancelled():
            time.sleep(0.01)
        slept = numpy.array([time.monotonic() - begun], dtype=numpy.float32)
        return triton.InferenceResponse(output_tensors=[triton.Tensor("slept", slept)])
