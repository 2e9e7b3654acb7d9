#include "artifact/message_store.hpp"

#include <algorithm>
#include <charconv>
#include <ranges>
#include <tuple>

#include <fmt/format.h>

#include "artifact/forms.hpp"

namespace salvage::artifact {
namespace {

// A group has some tens of members, a message some tens of parts.
constexpr std::size_t max_recipients = 1000;
constexpr std::size_t max_parts = 1000;
// Texts of all parts of one message.
constexpr std::size_t max_part_text = 16U << 20U;
constexpr std::size_t max_address = 1024;
constexpr std::size_t max_recipient_ids = 32U << 10U;

enum SmsColumn : std::uint8_t { sms_thread, sms_address, sms_date, sms_sent, sms_type, sms_subject, sms_body };
enum PduColumn : std::uint8_t { pdu_thread, pdu_date, pdu_sent, pdu_box, pdu_subject };
enum PartColumn : std::uint8_t {
    part_mid,
    part_seq,
    part_ct,
    part_name,
    part_chset,
    part_cd,
    part_fn,
    part_cid,
    part_cl,
    part_ctt_s,
    part_ctt_t,
    part_text,
    part_data
};

std::optional<std::int64_t> positive(std::optional<std::int64_t> value) noexcept
{
    return value && *value > 0 ? value : std::nullopt;
}

std::string after_last_slash(const std::string& path)
{
    return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

} // namespace

Box box_of(std::optional<std::int64_t> type) noexcept
{
    return type && *type >= 1 && *type <= 6 ? static_cast<Box>(*type) : Box::unknown;
}

std::string_view to_string(Box box) noexcept
{
    constexpr std::array<std::string_view, 7> words{"unknown", "inbox", "sent", "draft", "outbox", "failed", "queued"};
    return words.at(static_cast<std::size_t>(box));
}

std::optional<std::int64_t> from_seconds(std::optional<std::int64_t> seconds) noexcept
{
    constexpr std::int64_t most = 300'000'000'000;
    return seconds && *seconds > 0 && *seconds < most ? std::optional{*seconds * 1000} : std::nullopt;
}

Result<std::optional<MessageStore>> MessageStore::open(const Extraction& extraction, const std::string& folder,
                                                       KindReport& report)
{
    auto database = SALVAGE_TRY(OpenDatabase::open(extraction, folder + "/databases/mmssms.db", report));
    if (!database) {
        return std::optional<MessageStore>{};
    }
    MessageStore out{*std::move(database), folder};
    SALVAGE_TRY(out.read_index());
    SALVAGE_TRY(out.read_threads());
    return std::optional{std::move(out)};
}

Result<> MessageStore::read_index()
{
    constexpr std::array<std::string_view, 2> columns{"thread_id", "date"};
    const auto add = [&](bool is_mms) {
        return [this, is_mms](const Row& row) -> Result<> {
            if (!database_.may_keep(sizeof(MessageHead))) {
                return {};
            }
            const auto date = is_mms ? from_seconds(row.integer(1)) : row.integer(1);
            heads_.push_back({.thread = row.integer(0).value_or(0),
                              .date_ms = date.value_or(0),
                              .row = row.rowid.value_or(0),
                              .is_mms = is_mms});
            return {};
        };
    };
    SALVAGE_TRY(database_.each("sms", columns, add(false)));
    SALVAGE_TRY(database_.each("pdu", columns, add(true)));
    database_.note_read("sms", sms_columns);
    database_.note_read("pdu", pdu_columns);
    std::ranges::sort(heads_, {}, [](const MessageHead& head) {
        return std::tuple{head.thread, head.date_ms, head.is_mms, head.row};
    });
    SALVAGE_TRY(read_children("part", "mid", parts_));
    return read_children("addr", "msg_id", addresses_);
}

Result<> MessageStore::read_children(std::string_view table, std::string_view parent,
                                     std::vector<std::pair<std::int64_t, std::int64_t>>& into)
{
    const std::array columns{parent};
    SALVAGE_TRY(database_.each(table, columns, [&](const Row& row) -> Result<> {
        const auto owner = row.integer(0);
        if (owner && row.rowid && database_.may_keep(sizeof(into.front()))) {
            into.emplace_back(*owner, *row.rowid);
        }
        return {};
    }));
    std::ranges::sort(into);
    return {};
}

Result<> MessageStore::read_threads()
{
    constexpr std::array<std::string_view, 1> address{"address"};
    SALVAGE_TRY(database_.each("canonical_addresses", address, [&](const Row& row) -> Result<> {
        keep(canonical_, row, max_address);
        return {};
    }));
    constexpr std::array<std::string_view, 1> recipients{"recipient_ids"};
    return database_.each("threads", recipients, [&](const Row& row) -> Result<> {
        keep(threads_, row, max_recipient_ids);
        return {};
    });
}

void MessageStore::keep(std::map<std::int64_t, std::string>& into, const Row& row, std::size_t most)
{
    auto text = row.text_or_empty(0).substr(0, most);
    if (row.rowid && database_.may_keep(text.size())) {
        into.insert_or_assign(*row.rowid, std::move(text));
    }
}

std::vector<std::string> MessageStore::recipients(std::int64_t thread) const
{
    std::vector<std::string> out;
    const auto found = threads_.find(thread);
    if (found == threads_.end()) {
        return out;
    }
    std::string_view ids = found->second;
    while (!ids.empty() && out.size() < max_recipients) {
        const auto end = std::min(ids.find(' '), ids.size());
        std::int64_t id = 0;
        const auto [stop, problem] = std::from_chars(ids.data(), ids.data() + end, id);
        const auto address =
            problem == std::errc{} && stop == ids.data() + end ? canonical_.find(id) : canonical_.end();
        if (address != canonical_.end()) {
            out.push_back(address->second);
        }
        ids.remove_prefix(std::min(end + 1, ids.size()));
    }
    return out;
}

Result<std::optional<Message>> MessageStore::load(const MessageHead& head)
{
    if (head.is_mms) {
        auto row = SALVAGE_TRY(database_.row("pdu", pdu_columns, head.row));
        return row ? std::optional{SALVAGE_TRY(to_mms(head, *std::move(row)))} : std::nullopt;
    }
    auto row = SALVAGE_TRY(database_.row("sms", sms_columns, head.row));
    return row ? std::optional{to_sms(head, *std::move(row))} : std::nullopt;
}

Message MessageStore::to_sms(const MessageHead& head, Row row) const
{
    Message out{.head = head,
                .date_ms = row.integer(sms_date),
                .sent_ms = positive(row.integer(sms_sent)),
                .box = box_of(row.integer(sms_type)),
                .address = row.text_or_empty(sms_address).substr(0, max_address),
                .subject = row.text_or_empty(sms_subject),
                .body = row.text_or_empty(sms_body),
                .row = {},
                .parts = {},
                .addresses = {},
                .origin = database_.origin("sms", row)};
    out.row = std::move(row);
    return out;
}

MmsPart MessageStore::to_part(Row row) const
{
    MmsPart out{.row = {},
                .mime_type = row.text_or_empty(part_ct),
                .name = {},
                .text = row.text_or_empty(part_text),
                .file = {}};
    for (const auto column : {part_cl, part_name, part_fn}) {
        if (out.name.empty()) {
            out.name = after_last_slash(undo_latin1(row.text_or_empty(column)));
        }
    }
    // The path was the running phone's; only its last part matters, for the provider keeps all parts in one folder.
    if (const auto file = after_last_slash(row.text_or_empty(part_data)); !file.empty() && file != "..") {
        out.file = fmt::format("{}/app_parts/{}", folder_, file);
    }
    out.row = std::move(row);
    return out;
}

Result<Message> MessageStore::to_mms(const MessageHead& head, Row row)
{
    Message out{.head = head,
                .date_ms = from_seconds(row.integer(pdu_date)),
                .sent_ms = from_seconds(row.integer(pdu_sent)),
                .box = box_of(row.integer(pdu_box)),
                .address = {},
                .subject = undo_latin1(row.text_or_empty(pdu_subject)),
                .body = {},
                .row = {},
                .parts = {},
                .addresses = {},
                .origin = database_.origin("pdu", row)};
    out.row = std::move(row);
    const auto children = [&](const std::vector<std::pair<std::int64_t, std::int64_t>>& all) {
        return std::ranges::equal_range(all, head.row, {}, &std::pair<std::int64_t, std::int64_t>::first);
    };
    std::size_t text_bytes = 0;
    for (const auto& [owner, id] : children(parts_) | std::views::take(max_parts)) {
        if (auto part = SALVAGE_TRY(database_.row("part", part_columns, id)); part && text_bytes < max_part_text) {
            out.parts.push_back(to_part(*std::move(part)));
            text_bytes += out.parts.back().text.size();
        }
    }
    std::ranges::sort(out.parts, {}, [](const MmsPart& part) {
        return std::pair{part.row.integer(part_seq).value_or(0), part.row.rowid};
    });
    constexpr std::array<std::string_view, 3> columns{"address", "type", "charset"};
    for (const auto& [owner, id] : children(addresses_) | std::views::take(max_recipients)) {
        if (const auto address = SALVAGE_TRY(database_.row("addr", columns, id))) {
            out.addresses.push_back({.address = undo_latin1(address->text_or_empty(0).substr(0, max_address)),
                                     .type = address->text_or_empty(1).substr(0, max_address),
                                     .charset = address->text_or_empty(2).substr(0, max_address)});
        }
    }
    for (const auto& address : out.addresses) {
        if (address.type == "137" && address.address != "insert-address-token") {
            out.address = address.address;
        }
    }
    for (const auto& part : out.parts) {
        if (part.mime_type == "text/plain" && !part.text.empty()) {
            out.body += (out.body.empty() ? "" : "\n") + part.text;
        }
    }
    return out;
}

} // namespace salvage::artifact
