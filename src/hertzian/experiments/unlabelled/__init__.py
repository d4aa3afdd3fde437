"""Clusters of a user's own signals: heard or read, grouped, shown, named, and made a classifier."""
