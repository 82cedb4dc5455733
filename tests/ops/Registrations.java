// Prints the metadata records of each file as JSON, one a line behind the file's number, read by Kafka's own classes.

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
            for (RecordBatch batch : FileRecords.open(new File(files[file]), false).batches()) {
                if (!batch.isControlBatch()) {
                    print(file, batch);
                }
            }
        }
    }

    private static void print(int file, RecordBatch batch) {
        for (Record record : batch) {
            ByteBuffer value = record.value();
            ApiMessageAndVersion read = MetadataRecordSerde.INSTANCE.read(new ByteBufferAccessor(value), value.remaining());
            System.out.println(file + " " + MetadataJsonConverters.writeJson(read.message(), read.version()));
        }
    }
}
