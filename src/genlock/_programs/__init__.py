"""Programs and modules that know nothing of genlock: run, instrumented, listened to."""
