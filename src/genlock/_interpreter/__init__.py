"""What the interpreter knows: frames, stacks, threads, tasks, chains of exceptions."""
