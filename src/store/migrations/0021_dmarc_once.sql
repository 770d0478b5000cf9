-- What is found of DMARC stands in the table of alignment alone, a row for each From domain.
ALTER TABLE identity DROP COLUMN dmarc_state;
ALTER TABLE identity DROP COLUMN dmarc_record;
ALTER TABLE identity DROP COLUMN dmarc_since_us;
