"""Writes statistics.json: exact two-sided McNemar probabilities, in rational arithmetic, and Wilson intervals from their
defining equation (p - k/n)^2 = z^2 p (1 - p) / n, solved by bisection in fractions; and quantiles of Student's t: its
distribution function as a hypergeometric series of 40 digits, solved by bisection. Needs mpmath.
usage: make_statistics.py"""
import json
import math
import pathlib
from fractions import Fraction

import mpmath

mpmath.mp.dps = 40
Z = Fraction("1.959963984540054")


def mcnemar(b, c):
    n = b + c
    if n == 0:
        return 1.0
    tail = sum(Fraction(math.comb(n, k), 2**n) for k in range(min(b, c) + 1))
    return float(min(Fraction(1), 2 * tail))


def root(k, n, inside, outside):
    """The p between k/n (inside the interval) and an end of [0, 1] where the equation holds."""
    for _ in range(80):
        p = (inside + outside) / 2
        if (p - Fraction(k, n)) ** 2 <= Z**2 * p * (1 - p) / n:
            inside = p
        else:
            outside = p
        inside, outside = inside.limit_denominator(10**18), outside.limit_denominator(10**18)
    return float(inside)


def wilson(k, n):
    rate = Fraction(k, n)
    centre = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    return [root(k, n, centre, Fraction(0)), root(k, n, centre, Fraction(1))]


def t_quantile(p, degrees):
    if p < 0.5:
        return -t_quantile(1 - p, degrees)
    v = mpmath.mpf(degrees)
    front = mpmath.gamma((v + 1) / 2) / (mpmath.sqrt(v * mpmath.pi) * mpmath.gamma(v / 2))
    # The distribution function as Gauss's series, which is not the beta function's fraction that tempera sums.
    below = lambda t: mpmath.mpf(1) / 2 + front * t * mpmath.hyp2f1(0.5, (v + 1) / 2, 1.5, -t * t / v)
    low, high = mpmath.mpf(0), mpmath.mpf(64)
    for _ in range(75):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return float(high)


splits = [(0, 0), (0, 1), (1, 0), (5, 5), (3, 12), (12, 3), (20, 41), (100, 150), (400, 520)]
rates = [(0, 10), (10, 10), (1, 10), (5, 10), (180, 10000), (67, 10000), (1, 2)]
document = {
    "mcnemar": [{"b": b, "c": c, "p": mcnemar(b, c)} for b, c in splits],
    "wilson": [{"k": k, "n": n, "interval": wilson(k, n)} for k, n in rates],
    "t": [{"p": p, "degrees": d, "t": t_quantile(p, d)}
          for d in (1, 2, 4, 9, 29, 100) for p in (0.9, 0.975, 0.995)],
}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(document) + "\n")
