"""Takes its time to load and to answer, as a model does that computes in Python."""

import asyncio
import time

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

LOAD_SECONDS = 3


class SlowModel(MLModel):
    async def load(self) -> bool:
        await asyncio.sleep(LOAD_SECONDS)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        seconds = NumpyCodec.decode_input(payload.inputs[0])
        time.sleep(float(seconds.flat[0]))
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("slept", seconds)]
        )
