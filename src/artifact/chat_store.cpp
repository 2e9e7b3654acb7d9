#include "artifact/chat_store.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

#include "artifact/forms.hpp"

#include "salvage/core/utf8.hpp"

namespace salvage::artifact {
namespace {

constexpr std::size_t max_name = 1024;
constexpr std::array<std::string_view, 3> older_index{"key_remote_jid", "timestamp", "status"};
constexpr std::array<std::string_view, 12> older_columns{
    "key_from_me", "data",      "remote_resource", "media_name",    "media_mime_type", "media_caption",
    "latitude",    "longitude", "thumb_image",     "media_wa_type", "media_size",      "media_url"};
enum Older : std::uint8_t { own, data, resource, media_name, media_type, caption, latitude, longitude, thumb };
constexpr std::array<std::string_view, 6> newer_columns{"from_me",      "sender_jid_row_id", "text_data",
                                                        "message_type", "chat_row_id",       "timestamp"};
constexpr std::array<std::string_view, 5> media_columns{"file_path", "mime_type", "media_name", "media_caption",
                                                        "message_row_id"};

} // namespace

std::string media_path_in(ByteView serialized)
{
    // A string of Java's serialization: two bytes of length, then UTF-8.  Spec: Java Object Serialization, 6.4.2.
    constexpr std::string_view beginning = "Media/";
    const auto text = as_text(serialized);
    for (auto at = text.find(beginning); at != std::string_view::npos; at = text.find(beginning, at + 1)) {
        const auto length = at < 2 ? std::size_t{0} : std::size_t{load_be<std::uint16_t>(serialized.subspan(at - 2))};
        if (length > beginning.size() && length <= max_name && length <= text.size() - at) {
            auto path = std::string{text.substr(at, length)};
            if (is_utf8(path) && path.find("/../") == std::string::npos && path.find('\0') == std::string::npos) {
                return path;
            }
        }
    }
    return {};
}

Result<std::optional<ChatStore>> ChatStore::open(const Extraction& extraction, const std::string& path,
                                                 KindReport& report)
{
    auto database = SALVAGE_TRY(OpenDatabase::open(extraction, path, report));
    if (!database) {
        return std::optional<ChatStore>{};
    }
    ChatStore out{*std::move(database)};
    out.is_newer_ = out.database_.has("message") && out.database_.has("jid");
    SALVAGE_TRY(out.is_newer_ ? out.read_newer() : out.read_older());
    std::ranges::sort(out.heads_, {}, [](const ChatHead& head) { return std::tie(head.chat, head.time_ms, head.row); });
    return std::optional{std::move(out)};
}

Result<> ChatStore::read_older()
{
    constexpr std::array<std::string_view, 2> names{"key_remote_jid", "subject"};
    SALVAGE_TRY(database_.each("chat_list", names, [&](const Row& row) -> Result<> {
        if (database_.may_keep(2 * max_name)) {
            subjects_[row.text_or_empty(0).substr(0, max_name)] = row.text_or_empty(1).substr(0, max_name);
        }
        return {};
    }));
    database_.note_read("messages", older_columns);
    return database_.each("messages", older_index, [&](const Row& row) -> Result<> {
        // A first row that stands for no message has no chat; status 6 is what the app itself says ("was added").
        auto chat = row.text_or_empty(0).substr(0, max_name);
        if (!chat.empty() && chat != "-1" && database_.may_keep(sizeof(ChatHead) + chat.size())) {
            heads_.push_back(
                {.chat = std::move(chat), .time_ms = row.integer(1).value_or(0), .row = row.rowid.value_or(0)});
        }
        return {};
    });
}

Result<> ChatStore::read_newer()
{
    constexpr std::array<std::string_view, 1> address{"raw_string"};
    SALVAGE_TRY(database_.each("jid", address, [&](const Row& row) -> Result<> {
        if (auto text = row.text_or_empty(0).substr(0, max_name); database_.may_keep(text.size())) {
            addresses_[row.rowid.value_or(0)] = std::move(text);
        }
        return {};
    }));
    constexpr std::array<std::string_view, 2> chat{"jid_row_id", "subject"};
    SALVAGE_TRY(database_.each("chat", chat, [&](const Row& row) -> Result<> {
        const auto jid = row.integer(0).value_or(0);
        if (auto text = row.text_or_empty(1).substr(0, max_name); database_.may_keep(max_name + text.size())) {
            chats_[row.rowid.value_or(0)] = jid;
            subjects_[addresses_[jid]] = std::move(text);
        }
        return {};
    }));
    database_.note_read("message", newer_columns);
    constexpr std::array<std::string_view, 2> index{"chat_row_id", "timestamp"};
    return database_.each("message", index, [&](const Row& row) -> Result<> {
        const auto known = chats_.find(row.integer(0).value_or(-1));
        if (known != chats_.end() && database_.may_keep(sizeof(ChatHead) + addresses_[known->second].size())) {
            heads_.push_back({.chat = addresses_[known->second],
                              .time_ms = row.integer(1).value_or(0),
                              .row = row.rowid.value_or(0)});
        }
        return {};
    });
}

std::string ChatStore::subject(const std::string& chat) const
{
    const auto found = subjects_.find(chat);
    return found == subjects_.end() ? std::string{} : found->second;
}

Result<std::optional<ChatMessage>> ChatStore::load(const ChatHead& head)
{
    return is_newer_ ? load_newer(head) : load_older(head);
}

Result<std::optional<ChatMessage>> ChatStore::load_older(const ChatHead& head)
{
    const auto row = SALVAGE_TRY(database_.row("messages", older_columns, head.row));
    if (!row) {
        return std::optional<ChatMessage>{};
    }
    ChatMessage out{.head = head,
                    .is_own = row->integer(own).value_or(0) != 0,
                    .sender = row->text_or_empty(resource).substr(0, max_name),
                    .text = row->text_or_empty(data),
                    .note = {},
                    .media_name = row->text_or_empty(media_name).substr(0, max_name),
                    .media_type = row->text_or_empty(media_type).substr(0, max_name),
                    .media_path = {},
                    .origin = database_.origin("messages", *row)};
    if (out.text.empty()) {
        out.text = row->text_or_empty(caption);
    }
    const auto north = row->real(latitude);
    const auto east = row->real(longitude);
    if (north && east && (*north != 0.0 || *east != 0.0)) {
        out.note = fmt::format("a place: {:.5f}, {:.5f}", *north, *east);
    }
    if (const auto* const blob = row->blob(thumb)) {
        out.media_path = media_path_in(*blob);
    }
    return std::optional{std::move(out)};
}

Result<std::optional<ChatMessage>> ChatStore::load_newer(const ChatHead& head)
{
    const auto row = SALVAGE_TRY(database_.row("message", newer_columns, head.row));
    if (!row) {
        return std::optional<ChatMessage>{};
    }
    ChatMessage out{.head = head,
                    .is_own = row->integer(0).value_or(0) != 0,
                    .sender = {},
                    .text = row->text_or_empty(2),
                    .note = {},
                    .media_name = {},
                    .media_type = {},
                    .media_path = {},
                    .origin = database_.origin("message", *row)};
    const auto sender = addresses_.find(row->integer(1).value_or(-1));
    out.sender = sender == addresses_.end() ? std::string{} : sender->second;
    // message_media has the message's row as its own.
    if (const auto media = SALVAGE_TRY(database_.row("message_media", media_columns, head.row))) {
        out.media_path = media->text_or_empty(0).substr(0, max_name);
        out.media_type = media->text_or_empty(1).substr(0, max_name);
        out.media_name = media->text_or_empty(2).substr(0, max_name);
        out.text = out.text.empty() ? media->text_or_empty(3) : out.text;
    }
    return std::optional{std::move(out)};
}

} // namespace salvage::artifact
