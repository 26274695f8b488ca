"""Doubles numbers after as many seconds as it is asked to wait, and fails for what are no numbers."""

import time

LOAD_SECONDS = 3


class Handler:
    def initialize(self, context):
        time.sleep(LOAD_SECONDS)

    def handle(self, data, context):
        return [self._answer(row.get("body") or row.get("data")) for row in data]

    def _answer(self, body):
        time.sleep(body.get("seconds", 0))
        return {"doubled": [2 * float(number) for number in body["numbers"]]}
