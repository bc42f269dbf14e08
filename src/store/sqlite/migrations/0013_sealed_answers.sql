-- Answers under idempotency keys name the fields of a batch that are not known, which may hold anything.
UPDATE idempotency SET body = sealed('answer', body);
