"""What the documents say is true: README, CONTRIBUTING, AGENTS and all pages of docs/."""
