"""Other people's generators and training, run beside ours: agreement tests and speed.

Each peer lives in an interpreter of its own and runs as a subprocess: GNU Radio in the system's
Python (`gnuradio`), TorchSig and Keras in environments made for them (`torchsig`, `keras`). The
workers are scripts that import nothing of Hertzian.
"""
