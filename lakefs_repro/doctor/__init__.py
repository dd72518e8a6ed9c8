"""Looking a repository over, and repairing what can be repaired without asking anybody."""
