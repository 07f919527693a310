// A minimal net/http proxy that decodes and encodes the JSON: what the targets were set as multiples of.
//
//	go-proxy PORT UPSTREAM_PORT
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
)

var transport = &http.Transport{MaxIdleConns: 4096, MaxIdleConnsPerHost: 4096, DisableCompression: true}

func forward(client http.ResponseWriter, request *http.Request, upstream string) error {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	if body, err = json.Marshal(fields); err != nil {
		return err
	}
	onward, err := http.NewRequestWithContext(request.Context(), request.Method, upstream+request.URL.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	onward.Header.Set("Content-Type", "application/json")
	onward.Header.Set("Authorization", request.Header.Get("Authorization"))
	reply, err := transport.RoundTrip(onward)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	for name, values := range reply.Header {
		client.Header()[name] = values
	}
	client.WriteHeader(reply.StatusCode)
	return pass(client, reply)
}

// pass copies the body, each piece of a stream at once.
func pass(client http.ResponseWriter, reply *http.Response) error {
	piece := make([]byte, 32<<10)
	for {
		count, err := reply.Body.Read(piece)
		if _, failed := client.Write(piece[:count]); failed != nil {
			return nil
		}
		if reply.ContentLength < 0 {
			client.(http.Flusher).Flush()
		}
		if err != nil {
			return nil
		}
	}
}

func main() {
	upstream := "http://127.0.0.1:" + os.Args[2]
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(client http.ResponseWriter, request *http.Request) {
		if err := forward(client, request, upstream); err != nil {
			http.Error(client, err.Error(), http.StatusBadGateway)
		}
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
