"""The runs of a table at work, on this machine or on a Slurm cluster; what reproduce.py calls."""
