"""Trains the runs of a table for reproduce.py, on this machine or on a Slurm cluster."""
