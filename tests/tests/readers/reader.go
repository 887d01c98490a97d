// Go's archive/tar, which every engine written in Go reads layers with: reads each archive named on standard input, one to a line, and
// prints what is in it as JSON, or null where the package refuses it.
package main

import (
	"archive/tar"
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
)

type reading struct {
	Entries [][4]any `json:"entries"`
	Content string   `json:"content"`
}

var letters = map[byte]string{
	tar.TypeReg: "-", 0: "-", tar.TypeCont: "-", tar.TypeGNUSparse: "-", tar.TypeLink: "h", tar.TypeSymlink: "l",
	tar.TypeChar: "c", tar.TypeBlock: "b", tar.TypeDir: "d", tar.TypeFifo: "p",
}

// Names are bytes; each becomes the character of its number, as the other readers here have it.
func latin(text string) string {
	runes := make([]rune, len(text))
	for at := 0; at < len(text); at++ {
		runes[at] = rune(text[at])
	}
	return string(runes)
}

func read(path string) (*reading, error) {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	found := &reading{Entries: [][4]any{}}
	var content []byte
	archive := tar.NewReader(file)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			found.Content = hex.EncodeToString(content)
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			// Shown to the caller, and applied to nothing.
			if len(header.PAXRecords) > 1 || header.PAXRecords["comment"] == "" {
				return nil, errors.New("global records")
			}
			continue
		}
		kind, known := letters[header.Typeflag]
		if !known {
			return nil, errors.New("a kind of its own")
		}
		size := int64(0)
		if kind == "-" {
			all, err := io.ReadAll(archive)
			if err != nil {
				return nil, err
			}
			size = int64(len(all))
			content = append(content, all...)
		}
		found.Entries = append(found.Entries, [4]any{kind, latin(header.Name), size, latin(header.Linkname)})
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		found, err := read(lines.Text())
		if err != nil {
			found = nil
		}
		if err := output.Encode(found); err != nil {
			panic(err)
		}
	}
}
