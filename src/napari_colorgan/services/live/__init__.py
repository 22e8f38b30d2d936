"""What is computed while a user looks: previews, and the answers to hints as they are set."""
