"""``sinkkit demo``: a real kill, real lost answers, and a count of what arrived."""
