"""Places of the solve options in the array that a kernel gets, and limits of the step size."""

# Places in the options.
RTOL, ATOL, V_SCALE, LONGEST, EXPONENT, MOST_STEPS, CROSSING, DT = range(8)
# `max_steps` holds for each second (ms), and for each so many breakpoints, that a solve is through.
SECOND, MANY = 1000.0, 100
# A step is too small when it is a few roundings of t, or as good as nothing, ms.
ROUNDING, SMALLEST = 16 * 2.0**-52, 1e-32
