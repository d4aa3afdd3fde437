"""Other people's generators, run beside ours: agreement tests and speed.

Each peer lives in an interpreter of its own and runs as a subprocess: GNU Radio in the system's
Python (`gnuradio`), TorchSig in an environment made for it (`torchsig`). The workers are scripts
that import nothing of Hertzian.
"""
