// SMS and MMS: conversations for people, JSON for programs, XML for the next phone.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "artifact/conversation_output.hpp"
#include "artifact/forms.hpp"
#include "artifact/kinds.hpp"
#include "artifact/message_store.hpp"
#include "artifact/sms_xml.hpp"

namespace salvage::artifact {
namespace {

// What a message's picture may have to be put into the XML as well: providers cut it down to 1 MiB or less.
constexpr ByteCount max_part_in_xml{8U << 20U};
constexpr std::size_t snippet_bytes = 120;
constexpr std::size_t names_in_a_title = 8;
constexpr std::string_view attachments_folder = "messages/attachments";

std::string ending_for(std::string_view mime_type)
{
    constexpr std::array endings{
        std::pair{std::string_view{"image/jpeg"}, ".jpg"},   std::pair{std::string_view{"image/png"}, ".png"},
        std::pair{std::string_view{"image/gif"}, ".gif"},    std::pair{std::string_view{"video/3gpp"}, ".3gp"},
        std::pair{std::string_view{"video/mp4"}, ".mp4"},    std::pair{std::string_view{"audio/amr"}, ".amr"},
        std::pair{std::string_view{"text/x-vCard"}, ".vcf"}, std::pair{std::string_view{"text/plain"}, ".txt"}};
    const auto* const found = std::ranges::find(endings, mime_type, [](const auto& pair) { return pair.first; });
    return found == endings.end() ? "" : found->second;
}

std::string_view note_of(Box box) noexcept
{
    switch (box) {
    case Box::draft: return "draft, never sent";
    case Box::outbox:
    case Box::queued: return "waiting to be sent";
    case Box::failed: return "could not be sent";
    default: return {};
    }
}

bool is_own(Box box) noexcept
{
    return box != Box::inbox && box != Box::unknown;
}

std::string snippet_of(const std::string& text)
{
    std::string out{cut_text(text, snippet_bytes)};
    const bool is_cut = out.size() < text.size();
    std::ranges::replace(out, '\n', ' ');
    return is_cut ? out + "…" : out;
}

/// A part's file in the folder, kept until the XML of its message is written.
struct StoredPart {
    Attachment attachment;
    std::string base64;
};

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report)
        : extraction_{&extraction}, report_{&report},
          pages_{extraction, report, {"With", "Number or address", "Messages", "First", "Last", "Last text"}}
    {
    }

    Result<> begin(std::size_t messages)
    {
        json_ = SALVAGE_TRY(extraction_->sink->begin("messages/messages.json"));
        xml_ = SALVAGE_TRY(extraction_->sink->begin("messages/sms-backup.xml"));
        SALVAGE_TRY(json_->add("{\"schema\":\"salvage.messages/1\",\"conversations\":["));
        return xml_->add(sms_xml_head(messages));
    }

    /// `heads` are those of one thread, by time.
    Result<> conversation(MessageStore& store, std::span<const MessageHead> heads)
    {
        const auto people = people_of(store, heads);
        SALVAGE_TRY(json_->add(fmt::format("{}{{\"thread\":{},\"addresses\":{},\"names\":{},\"messages\":[",
                                           std::exchange(is_first_talk_, false) ? "\n" : ",\n", heads.front().thread,
                                           dumped(utf8_list(people)), dumped(utf8_list(names_of(people))))));
        is_first_ = true;
        const ConversationOutput::Talk talk{
            .title = title_of(people), .people = joined(people), .messages = heads.size()};
        const auto last =
            SALVAGE_TRY(pages_.add(talk, [&](std::size_t index) { return message(store, heads[index], people); }));
        list(talk, heads, snippet_of(last));
        return json_->add("]}");
    }

    Result<> end()
    {
        SALVAGE_TRY(json_->add("\n]}\n"));
        SALVAGE_TRY(json_->finish());
        SALVAGE_TRY(xml_->add(sms_xml_tail()));
        SALVAGE_TRY(xml_->finish());
        report_->outputs.insert(report_->outputs.end(), {"messages/messages.json", "messages/sms-backup.xml"});
        return pages_.end();
    }

private:
    static Json utf8_list(const std::vector<std::string>& texts)
    {
        Json out = Json::array();
        for (const auto& text : texts) {
            out.push_back(text_json(std::string_view{text}));
        }
        return out;
    }

    [[nodiscard]] std::vector<std::string> names_of(const std::vector<std::string>& addresses) const
    {
        std::vector<std::string> out;
        out.reserve(addresses.size());
        for (const auto& address : addresses) {
            out.push_back(extraction_->names.find(address));
        }
        return out;
    }

    static std::string joined(const std::vector<std::string>& texts)
    {
        std::string out;
        for (const auto& text : texts) {
            out += (out.empty() ? "" : ", ") + text;
        }
        return out;
    }

    [[nodiscard]] std::string title_of(const std::vector<std::string>& addresses) const
    {
        std::vector<std::string> names;
        for (const auto& address : addresses) {
            const auto name = extraction_->names.find(address);
            names.push_back(name.empty() ? address : name);
        }
        if (names.size() > names_in_a_title) {
            const auto more = names.size() - names_in_a_title;
            names.resize(names_in_a_title);
            names.push_back(fmt::format("and {} more", more));
        }
        const auto out = joined(names);
        return out.empty() ? "nobody known" : out;
    }

    /// As the thread says; where that is lost, as its messages do.
    std::vector<std::string> people_of(MessageStore& store, std::span<const MessageHead> heads) const
    {
        auto out = store.recipients(heads.front().thread);
        constexpr std::size_t looks = 20;
        for (std::size_t i = 0; out.empty() && i < std::min(looks, heads.size()); ++i) {
            const auto message = store.load(heads[i]);
            if (message.has_value() && message->has_value() && !(*message)->address.empty()) {
                out.push_back((*message)->address);
            }
        }
        return out;
    }

    Result<std::optional<Bubble>> message(MessageStore& store, const MessageHead& head,
                                          const std::vector<std::string>& people)
    {
        if (extraction_->context->is_stopped()) {
            return cancelled("taking out messages");
        }
        const auto loaded = SALVAGE_TRY(store.load(head));
        if (!loaded) {
            return std::optional<Bubble>{};
        }
        ++report_->items;
        std::vector<StoredPart> parts;
        parts.reserve(loaded->parts.size());
        for (const auto& part : loaded->parts) {
            parts.push_back(SALVAGE_TRY(store_part(part)));
        }
        SALVAGE_TRY(json_->add(fmt::format("{}\n{}", is_first_ ? "" : ",", dumped(to_json(*loaded, parts)))));
        is_first_ = false;
        SALVAGE_TRY(add_xml(*loaded, people, parts));
        return std::optional{bubble(*loaded, std::move(parts))};
    }

    Result<StoredPart> store_part(const MmsPart& part)
    {
        StoredPart out;
        if (part.file.empty()) {
            return out;
        }
        auto& attachment = out.attachment;
        attachment.name = part.name.empty()
                              ? fmt::format("part-{}{}", part.row.rowid.value_or(0), ending_for(part.mime_type))
                              : part.name;
        attachment.kind = media_kind_of(part.mime_type, attachment.name);
        auto content = extraction_->files->open(part.file);
        if (!content.has_value()) {
            attachment.problem = "its file is not there: " + to_string(content.error());
            ++report_->damaged;
            return out;
        }
        auto stored = extraction_->sink->store(**content, std::string{attachments_folder}, attachment.name,
                                               std::nullopt, {.file = part.file, .table = {}, .row = {}});
        if (!stored.has_value() && is_about_the_source(stored.error())) {
            attachment.problem = to_string(stored.error());
            ++report_->damaged;
            return out;
        }
        const auto place = SALVAGE_TRY(std::move(stored));
        attachment.path = place.path;
        if (place.lost > ByteCount{0}) {
            attachment.problem = fmt::format("{} bytes of it could not be read", place.lost.value);
            ++report_->damaged;
        } else if ((*content)->size() <= max_part_in_xml) {
            const auto bytes = io::read_all(**content, max_part_in_xml);
            out.base64 = bytes.has_value() ? to_base64(*bytes) : std::string{};
        }
        return out;
    }

    static Json to_json(const Message& message, const std::vector<StoredPart>& parts)
    {
        Json out = Json::object();
        out["kind"] = message.head.is_mms ? "mms" : "sms";
        out["box"] = to_string(message.box);
        out["time"] = time_json(message.date_ms);
        out["sent"] = time_json(message.sent_ms);
        out["address"] = text_json(std::string_view{message.address});
        out["subject"] = message.subject.empty() ? Json{} : text_json(std::string_view{message.subject});
        out["text"] = text_json(std::string_view{message.body});
        if (message.head.is_mms) {
            auto attachments = Json::array();
            for (const auto& [attachment, data] : parts) {
                if (!attachment.name.empty()) {
                    attachments.push_back(
                        {{"name", text_json(std::string_view{attachment.name})},
                         {"path", attachment.path.empty() ? Json{} : text_json(std::string_view{attachment.path})},
                         {"problem",
                          attachment.problem.empty() ? Json{} : text_json(std::string_view{attachment.problem})}});
                }
            }
            out["attachments"] = std::move(attachments);
            auto addresses = Json::array();
            for (const auto& address : message.addresses) {
                addresses.push_back({{"address", text_json(std::string_view{address.address})},
                                     {"type", text_json(std::string_view{address.type})}});
            }
            out["addresses"] = std::move(addresses);
        }
        out["origin"] = origin_json(message.origin);
        return out;
    }

    Result<> add_xml(const Message& message, const std::vector<std::string>& people,
                     const std::vector<StoredPart>& parts)
    {
        if (!message.head.is_mms) {
            return xml_->add(sms_xml(message, extraction_->names.find(message.address)));
        }
        std::string address;
        for (const auto& person : people) {
            address += (address.empty() ? "" : "~") + person;
        }
        SALVAGE_TRY(xml_->add(mms_xml_head(message, address, title_of(people))));
        for (std::size_t i = 0; i < parts.size(); ++i) {
            SALVAGE_TRY(xml_->add(mms_xml_part(message.parts[i], parts[i].base64)));
        }
        return xml_->add(mms_xml_tail(message));
    }

    [[nodiscard]] Bubble bubble(const Message& message, std::vector<StoredPart> parts) const
    {
        Bubble out{.from = {},
                   .is_own = is_own(message.box),
                   .time = shown_time(message.date_ms),
                   .text = message.body,
                   .note = std::string{note_of(message.box)},
                   .attachments = {},
                   .origin = to_string(message.origin)};
        if (!out.is_own) {
            const auto name = extraction_->names.find(message.address);
            out.from = name.empty() ? message.address : name;
        }
        if (!message.subject.empty()) {
            out.text = out.text.empty() ? message.subject : message.subject + "\n" + out.text;
        }
        for (auto& part : parts) {
            if (!part.attachment.name.empty()) {
                out.attachments.push_back(std::move(part.attachment));
            }
        }
        return out;
    }

    void list(const ConversationOutput::Talk& talk, std::span<const MessageHead> heads, const std::string& last)
    {
        const auto count = std::to_string(heads.size());
        const auto last_time = shown_time(heads.back().date_ms);
        pages_.list({{.text = talk.title},
                     {.text = talk.people},
                     {.text = count},
                     {.text = shown_time(heads.front().date_ms)},
                     {.text = last_time},
                     {.text = last}},
                    talk.title, fmt::format("{}; {} messages, the last {}: {}", talk.people, count, last_time, last));
    }

    Extraction* extraction_;
    KindReport* report_;
    std::unique_ptr<TextOutput> json_;
    std::unique_ptr<TextOutput> xml_;
    bool is_first_talk_{true};
    bool is_first_{true}; ///< of the conversation's messages in the JSON
    ConversationOutput pages_;
};

Result<std::vector<MessageStore>> open_stores(const Extraction& extraction, KindReport& report)
{
    std::vector<MessageStore> out;
    for (const auto& folder : app_folders(*extraction.files, "com.android.providers.telephony")) {
        if (auto store = SALVAGE_TRY(MessageStore::open(extraction, folder, report))) {
            out.push_back(*std::move(store));
        }
    }
    return out;
}

} // namespace

Result<KindReport> extract_messages(Extraction& extraction)
{
    KindReport report{.name = "messages", .title = "Messages"};
    auto stores = SALVAGE_TRY(open_stores(extraction, report));
    std::size_t messages = 0;
    for (const auto& store : stores) {
        messages += store.heads().size();
    }
    if (messages > 0) {
        report.notes.emplace_back("Times are as the phone stored them, in UTC.");
        Writer writer{extraction, report};
        SALVAGE_TRY(writer.begin(messages));
        for (auto& store : stores) {
            for (std::span<const MessageHead> rest{store.heads()}; !rest.empty();) {
                const auto end = std::ranges::find_if(
                    rest, [&](const MessageHead& head) { return head.thread != rest.front().thread; });
                const auto count = static_cast<std::size_t>(end - rest.begin());
                SALVAGE_TRY(writer.conversation(store, rest.first(count)));
                rest = rest.subspan(count);
            }
        }
        SALVAGE_TRY(writer.end());
    }
    for (auto& store : stores) {
        store.close(report);
    }
    return report;
}

} // namespace salvage::artifact
