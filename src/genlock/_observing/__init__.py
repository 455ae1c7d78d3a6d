"""What a live process says of itself: states, snapshots, dumps, a watch."""
