"""Runs llama.cpp's own HTTP server, which the package xllamacpp links in.

python serve.py MODEL PORT
"""

import signal
import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"tiny"}
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[2])
params.n_ctx = 4096
# One at a time, so that it can be seen whether a caller who leaves frees the model.
params.n_parallel = 1
params.cpuparams.n_threads = 1
params.embedding = False

server = xllamacpp.Server(params)
print("listening", server.listening_address, flush=True)
signal.sigwait([signal.SIGTERM, signal.SIGINT])
