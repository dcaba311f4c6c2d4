DROP FUNCTION rampart_documents.find_positions_{number}, rampart_documents.write_documents_{number};
DROP TABLE rampart_documents.documents_{number};
DELETE FROM rampart_documents.collections WHERE number = {number};
