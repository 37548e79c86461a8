ALTER TABLE notifications ADD CHECK (channel IN ('email', 'sms'));
