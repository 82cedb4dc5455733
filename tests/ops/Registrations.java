// Prints the metadata records of each file as JSON, read by Kafka's own classes: one a line, behind the file's number and
// the place in the file where the record's batch ends.

import java.io.File;
import java.nio.ByteBuffer;

import org.apache.kafka.common.metadata.MetadataJsonConverters;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public class Registrations {
    public static void main(String[] files) throws Exception {
        for (int file = 0; file < files.length; file++) {
            int end = 0;
            for (RecordBatch batch : FileRecords.open(new File(files[file]), false).batches()) {
                end += batch.sizeInBytes();
                if (!batch.isControlBatch()) {
                    print(file + " " + end + " ", batch);
                }
            }
        }
    }

    private static void print(String place, RecordBatch batch) {
        for (Record record : batch) {
            ByteBuffer value = record.value();
            ApiMessageAndVersion read = MetadataRecordSerde.INSTANCE.read(new ByteBufferAccessor(value), value.remaining());
            System.out.println(place + MetadataJsonConverters.writeJson(read.message(), read.version()));
        }
    }
}
