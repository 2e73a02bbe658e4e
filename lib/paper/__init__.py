"""The paper: its runs as data, its figures as reported, and the tables of both."""
