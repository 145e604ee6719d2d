"""Side-by-side timings of GexFlow and the libraries that a user would pick instead."""
