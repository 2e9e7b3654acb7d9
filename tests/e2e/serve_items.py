"""What the phone's databases hold, as the server tells it: held against what sqlite3 finds in them."""
import contextlib
import sqlite3


def all_entries(server, key="/"):
    """Every entry below a folder."""
    for entry in server.get("/files", {"path": key, "limit": 10000}).value["entries"]:
        yield entry
        if entry["type"] == "directory":
            yield from all_entries(server, entry["key"])


def rows_of(server, work, ending, query):
    """What sqlite3 finds in a database of the phone."""
    found = next(entry for entry in all_entries(server, "/data") if entry["key"].endswith(ending))
    path = work / "database.db"
    path.write_bytes(server.get("/file", {"path": found["key"]}).body)
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def items(server, work):
    found = server.wait_for(lambda: (lambda value: value if value["state"] == "ready" else None)(
        server.get("/items").value), "what the databases hold")
    kinds = {kind["name"]: kind for kind in found["kinds"]}
    assert found["problem"] is None and "photos" not in kinds and kinds["messages"]["has_table"]

    people = server.get("/items/contacts").value
    names = {name for (name,) in rows_of(server, work, "contacts2.db",
                                         "SELECT DISTINCT display_name FROM raw_contacts WHERE deleted = 0")}
    assert names and {row[0][0] for row in people["rows"]} == names and people["total"] == len(names)
    pictures = [cell[2] for row in people["rows"] for cell in row if cell[2] is not None]
    for number in pictures:
        assert server.get(f"/item-pictures/{number}").body[:2] in (b"\xff\xd8", b"\x89P")
    server.get("/item-pictures/100000", expected=404)

    texts = {body for (body,) in rows_of(server, work, "mmssms.db", "SELECT body FROM sms")}
    table = server.get("/items/messages", {"limit": 1000}).value
    shown = set()
    for row in table["rows"]:
        number = row[0][1]
        while number is not None:
            part = server.get(f"/conversations/{number}").value
            shown.update(message["text"] for message in part["messages"])
            for attachment in (each for message in part["messages"] for each in message["attachments"]):
                assert attachment["key"] is None or server.get("/file-info", {"path": attachment["key"]}).value["size"]
            number = part["next"]
    assert texts and texts <= shown, texts - shown
    for body in texts:
        said = server.get("/messages", {"text": body[6:].upper()}).value
        assert body in {message["text"] for message in said["messages"]} and said["total"] == len(said["messages"]), body
    assert server.get("/messages", {"text": "nobody said that"}).value == {"total": 0, "messages": []}
    server.get("/messages", {"text": ""}, expected=400)
    word = next(iter(names)).split()[0]
    for text in (word, word.upper(), word.lower()):
        assert any(word in row[0][0] for row in server.get("/items/contacts", {"text": text}).value["rows"]), text
    assert server.get("/items/contacts", {"text": "no such text"}).value["total"] == 0
    for path in ("/items/nothing", "/items/photos", "/conversations/1000000"):
        server.get(path, expected=404)
    server.get("/conversations/x", expected=400)
    server.get("/items/contacts", {"text": "x" * 300}, expected=400)
