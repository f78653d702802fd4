"""Recordings, solutions and fits as objects and files of other libraries, and back."""
