"""The questions that Appmax must be asked about orders: when they are due, how they are asked, what an answer means.

1. Somebody puts a question (`Question.objects.put`, `due.put_overdue`).
2. The worker takes those that are due and asks Appmax (`ask.ask_due`).
3. `verdict.verdict` says what the answer means, and `ask.write_answer` writes it.
4. The question is closed, or becomes due again later.
"""
