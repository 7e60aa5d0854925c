"""Find which PEFT configuration to use for a model, a data set and a budget."""
