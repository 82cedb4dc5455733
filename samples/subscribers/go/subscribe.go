// Prints events as they are published: go run . BROKERS REGISTRY GROUP TOPIC...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	client := must(kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.ConsumerGroup(os.Args[3]), kgo.ConsumeTopics(os.Args[4:]...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))
	registry := must(sr.NewClient(sr.URLs(os.Args[2])))
	schemas := map[int]avro.Schema{}
	last := map[string]int64{} // keep this with what you make of the events, in one transaction
	for {
		fetched := client.PollFetches(ctx)
		fetched.EachError(func(topic string, partition int32, err error) { log.Fatal(topic, partition, err) })
		fetched.EachRecord(func(record *kgo.Record) {
			header := map[string]string{}
			for _, one := range record.Headers {
				header[one.Key] = string(one.Value)
			}
			place := fmt.Sprintf("%s/%d", record.Topic, record.Partition)
			position := must(strconv.ParseInt(header["position"], 10, 64))
			if position <= last[place] {
				return // read before
			}
			if before := must(strconv.ParseInt(header["prev_position"], 10, 64)); last[place] != 0 && before != last[place] {
				log.Fatalf("%s: a record is missing before %d", place, position)
			}
			id, body, err := new(sr.ConfluentHeader).DecodeID(record.Value)
			if must(id, err); schemas[id] == nil {
				schemas[id] = must(avro.Parse(must(registry.SchemaByID(ctx, id)).Schema))
			}
			var event map[string]any
			if err := avro.Unmarshal(schemas[id], body, &event); err != nil {
				log.Fatal(err)
			}
			line := map[string]any{"id": header["ce_id"], "type": header["ce_type"], "event": event}
			fmt.Println(string(must(json.Marshal(line))))
			last[place] = position
		})
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
