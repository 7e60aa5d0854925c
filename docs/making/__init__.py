"""What makes the site: pages brought in from elsewhere in the repository, and parts of pages made of the code."""
