"""Images per second of the bare train step, and of the whole loop around it.

    python benchmarks/train_step.py                     every method, interleaved
    python benchmarks/train_step.py --methods=ACAI,AEBaseline --dtypes=float32,mixed_bfloat16

Prints, for each method at the paper's lines configuration (depth 16, latent 16, latent_width 2):
the median rate, the arithmetic of a step counted from its layers, and what share of this machine's
own rate of large float32 matrix products, measured in the same minutes, that is.
"""
