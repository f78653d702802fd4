"""The even part of x/(1 - exp(-x)) about 0: Σ B_2k x^2k/(2k)!, with the Bernoulli numbers B."""

import triton.language as tl  # pyright: ignore[reportMissingImports]

C2 = tl.constexpr(1.0 / 12.0)
C4 = tl.constexpr(-1.0 / 720.0)
C6 = tl.constexpr(1.0 / 30240.0)
C8 = tl.constexpr(-1.0 / 1209600.0)
C10 = tl.constexpr(1.0 / 47900160.0)
C12 = tl.constexpr(-691.0 / 1307674368000.0)
C14 = tl.constexpr(1.0 / 74724249600.0)
