"""The whole engine in one thread: clock, randomness and both remote systems are arguments."""
