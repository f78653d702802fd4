"""The kernels: code for numba, and where what they read and write lies."""
