import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Prints events: java -cp 'target/classes:target/lib/*' Subscribe BROKERS REGISTRY GROUP TOPIC... */
public class Subscribe {
    public static void main(String[] args) throws Exception {
        Map<String, Object> own = Map.of("bootstrap.servers", args[0], "isolation.level", "read_committed",
                "group.id", args[2], "auto.offset.reset", "earliest", "enable.auto.commit", false);
        var schemas = new HashMap<Integer, Schema>();
        var last = new HashMap<TopicPartition, Long>(); // keep this with what you make of the events, in one transaction
        try (var consumer = new KafkaConsumer<>(own, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(args).subList(3, args.length));
            while (true) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    var header = new HashMap<String, String>();
                    record.headers().forEach(one -> header.put(one.key(), new String(one.value(), UTF_8)));
                    var place = new TopicPartition(record.topic(), record.partition());
                    var position = Long.valueOf(header.get("position"));
                    var before = Long.valueOf(header.get("prev_position"));
                    if (position <= last.getOrDefault(place, 0L)) continue; // read before
                    if (!before.equals(last.getOrDefault(place, before)))
                        throw new IllegalStateException(place + ": a record is missing before position " + position);
                    int id = ByteBuffer.wrap(record.value()).getInt(1); // a zero, the schema's id, then the event
                    var schema = schemas.computeIfAbsent(id, number -> schema(args[1], number));
                    var bytes = DecoderFactory.get().binaryDecoder(record.value(), 5, record.value().length - 5, null);
                    var event = new GenericDatumReader<GenericRecord>(schema).read(null, bytes);
                    System.out.println(header.get("ce_id") + "\t" + header.get("ce_type") + "\t" + event);
                    last.put(place, position);
                }
                consumer.commitSync();
            }
        }
    }

    static Schema schema(String registry, int id) {
        var request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id + "/schema")).build();
        var answer = HttpClient.newHttpClient().sendAsync(request, BodyHandlers.ofString()).join();
        if (answer.statusCode() != 200) throw new IllegalStateException(answer.body());
        return new Schema.Parser().parse(answer.body());
    }
}
