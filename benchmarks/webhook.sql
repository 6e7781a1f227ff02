\set id random(1, :orders)
BEGIN;
SELECT id, status FROM orders WHERE appmax_order_id = :id FOR NO KEY UPDATE;
SELECT 1 FROM webhook_events WHERE event = 'order_paid' AND appmax_order_id = :id AND processed LIMIT 1;
INSERT INTO webhook_events (event, event_type, appmax_order_id, payload, processed, processed_at, outcome) VALUES ('order_paid', 'order', :id, '{"event": "order_paid", "data": {"order_id": 1}}', true, now(), 'applied') ON CONFLICT DO NOTHING;
UPDATE orders SET status = 'aprovado', updated_at = now() WHERE appmax_order_id = :id;
COMMIT;
