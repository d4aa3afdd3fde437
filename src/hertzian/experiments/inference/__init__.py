"""How fast networks answer on the processor, and what memory that takes."""
