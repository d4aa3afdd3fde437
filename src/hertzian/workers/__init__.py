"""Other Pythons: environments for what can't share ours, and the scripts that run in them.

A worker is a script that imports nothing of Hertzian. It is given one request, as JSON, and prints
one answer.
"""
