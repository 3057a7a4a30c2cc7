"""What a platform writes down about itself and its requests, beside `worker/operation.py`: records, no behaviour."""
