// WhatsApp's conversations, and what of other messengers can be said.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "artifact/chat_store.hpp"
#include "artifact/conversation_output.hpp"
#include "artifact/forms.hpp"
#include "artifact/kinds.hpp"

namespace salvage::artifact {
namespace {

constexpr std::size_t max_name = 1024;
constexpr std::string_view package = "com.whatsapp";

/// Where the messenger keeps what was sent: below each user's storage, in the older and the newer place.
std::vector<std::string> media_roots(const PhoneFiles& files)
{
    std::vector<std::string> out;
    std::vector<std::string> storages{"/media"};
    for (const auto& user : files.list("/media")) {
        if (user.is_folder) {
            storages.push_back("/media/" + user.name);
        }
    }
    for (const auto& storage : storages) {
        for (const auto* const place : {"WhatsApp", "Android/media/com.whatsapp/WhatsApp"}) {
            auto path = fmt::format("{}/{}", storage, place);
            if (const auto entry = files.find(path); entry && entry->is_folder) {
                out.push_back(std::move(path));
            }
        }
    }
    return out;
}

std::string number_of(const std::string& address)
{
    const auto at = address.find('@');
    const auto user = address.substr(0, at);
    const bool is_number =
        !user.empty() && std::ranges::all_of(user, [](char letter) { return letter >= '0' && letter <= '9'; });
    return is_number ? "+" + user : user;
}

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report)
        : extraction_{&extraction}, report_{&report}, roots_{media_roots(*extraction.files)},
          pages_{extraction, report, {"With", "Address", "Messages", "First", "Last"}}
    {
    }

    Result<> read_names(OpenDatabase& database)
    {
        constexpr std::array<std::string_view, 3> columns{"jid", "display_name", "wa_name"};
        return database.each("wa_contacts", columns, [&](const Row& row) -> Result<> {
            const auto name = row.text(1).value_or(row.text_or_empty(2)).substr(0, max_name);
            if (database.may_keep(max_name + name.size())) {
                names_.add(row.text_or_empty(0).substr(0, max_name), name);
            }
            return {};
        });
    }

    Result<> write(ChatStore& store)
    {
        for (std::span<const ChatHead> rest{store.heads()}; !rest.empty();) {
            const auto end =
                std::ranges::find_if(rest, [&](const ChatHead& head) { return head.chat != rest.front().chat; });
            const auto count = static_cast<std::size_t>(end - rest.begin());
            SALVAGE_TRY(conversation(store, rest.first(count)));
            rest = rest.subspan(count);
        }
        return {};
    }

    Result<> end()
    {
        if (json_ == nullptr) {
            return {};
        }
        SALVAGE_TRY(json_->add("\n]}\n"));
        SALVAGE_TRY(json_->finish());
        report_->outputs.emplace_back("whatsapp/whatsapp.json");
        return pages_.end();
    }

private:
    [[nodiscard]] std::string name_of(const std::string& address) const
    {
        auto name = names_.find(address);
        name = name.empty() ? extraction_->names.find(number_of(address)) : name;
        return name.empty() ? number_of(address) : name;
    }

    Result<> conversation(ChatStore& store, std::span<const ChatHead> heads)
    {
        const auto& chat = heads.front().chat;
        const auto subject = store.subject(chat);
        const auto title = subject.empty() ? name_of(chat) : subject;
        const bool is_first_chat = json_ == nullptr;
        if (is_first_chat) {
            report_->notes.emplace_back("Times are as the app stored them, in UTC.");
            json_ = SALVAGE_TRY(extraction_->sink->begin("whatsapp/whatsapp.json"));
            SALVAGE_TRY(json_->add("{\"schema\":\"salvage.whatsapp/1\",\"conversations\":["));
        }
        SALVAGE_TRY(json_->add(fmt::format("{}{{\"chat\":{},\"title\":{},\"messages\":[", is_first_chat ? "\n" : ",\n",
                                           dumped(text_json(std::string_view{chat})),
                                           dumped(text_json(std::string_view{title})))));
        is_first_ = true;
        const ConversationOutput::Talk talk{.title = title, .people = chat, .messages = heads.size()};
        static_cast<void>(
            SALVAGE_TRY(pages_.add(talk, [&](std::size_t index) { return message(store, heads[index]); })));
        const auto last = shown_time(heads.back().time_ms);
        pages_.list({{.text = title},
                     {.text = chat},
                     {.text = std::to_string(heads.size())},
                     {.text = shown_time(heads.front().time_ms)},
                     {.text = last}},
                    title, fmt::format("WhatsApp, {}; {} messages, the last {}", chat, heads.size(), last));
        return json_->add("]}");
    }

    Result<std::optional<Bubble>> message(ChatStore& store, const ChatHead& head)
    {
        if (extraction_->context->is_stopped()) {
            return cancelled("taking out conversations");
        }
        const auto loaded = SALVAGE_TRY(store.load(head));
        if (!loaded) {
            return std::optional<Bubble>{};
        }
        ++report_->items;
        Bubble bubble{.from = {},
                      .is_own = loaded->is_own,
                      .time = shown_time(head.time_ms),
                      .text = loaded->text,
                      .note = loaded->note,
                      .attachments = {},
                      .origin = to_string(loaded->origin)};
        if (!bubble.is_own) {
            bubble.from = name_of(loaded->sender.empty() ? head.chat : loaded->sender);
        }
        if (!loaded->media_path.empty() || !loaded->media_name.empty() || !loaded->media_type.empty()) {
            bubble.attachments.push_back(SALVAGE_TRY(attachment(*loaded)));
        }
        Json json = Json::object();
        json["time"] = time_json(head.time_ms);
        json["own"] = loaded->is_own;
        json["from"] =
            loaded->is_own ? Json{} : text_json(std::string_view{loaded->sender.empty() ? head.chat : loaded->sender});
        json["text"] = text_json(std::string_view{loaded->text});
        json["note"] = loaded->note.empty() ? Json{} : Json(loaded->note);
        json["media"] = bubble.attachments.empty() || bubble.attachments.front().path.empty()
                            ? Json{}
                            : text_json(std::string_view{bubble.attachments.front().path});
        json["media_type"] = loaded->media_type.empty() ? Json{} : text_json(std::string_view{loaded->media_type});
        json["origin"] = origin_json(loaded->origin);
        SALVAGE_TRY(json_->add((is_first_ ? "\n" : ",\n") + dumped(json)));
        is_first_ = false;
        return std::optional{std::move(bubble)};
    }

    Result<Attachment> attachment(const ChatMessage& message)
    {
        Attachment out;
        const auto& path = message.media_path;
        const auto name = path.substr(path.rfind('/') + 1);
        out.name = !name.empty() ? name : message.media_name.empty() ? message.media_type : message.media_name;
        out.kind = media_kind_of(message.media_type, out.name);
        out.problem = "its file is not on the phone, or not known";
        for (const auto& root : roots_) {
            auto content = path.empty() || path.find("..") != std::string::npos
                               ? Result<io::SourcePtr>{not_found("no path")}
                               : extraction_->files->open(fmt::format("{}/{}", root, path));
            if (!content.has_value()) {
                continue;
            }
            auto stored = extraction_->sink->store(**content, "whatsapp/media", out.name, std::nullopt,
                                                   {.file = fmt::format("{}/{}", root, path)});
            if (!stored.has_value() && is_about_the_source(stored.error())) {
                out.problem = to_string(stored.error());
                continue;
            }
            const auto place = SALVAGE_TRY(std::move(stored));
            out.path = place.path;
            out.problem = place.lost > ByteCount{0} ? fmt::format("{} bytes of it could not be read", place.lost.value)
                                                    : std::string{};
            break;
        }
        report_->damaged += out.problem.empty() ? 0U : 1U;
        return out;
    }

    Extraction* extraction_;
    KindReport* report_;
    std::vector<std::string> roots_;
    NameBook names_;
    std::unique_ptr<TextOutput> json_;
    bool is_first_{true};
    ConversationOutput pages_;
};

/// What lies there and stays closed, with the reason.
void name_the_closed(const Extraction& extraction, KindReport& report)
{
    for (const auto& root : media_roots(*extraction.files)) {
        for (const auto& file : extraction.files->list(root + "/Databases")) {
            if (file.name.find(".crypt") != std::string::npos) {
                report.notes.push_back(
                    fmt::format("{}/Databases/{} is a backup encrypted with a key that only the app's own folder "
                                "holds; the open store, where it is there, has the same and newer messages.",
                                root, file.name));
            }
        }
    }
    struct Closed {
        std::string_view package;
        std::string_view text;
    };
    constexpr std::array closed{
        Closed{"org.thoughtcrime.securesms", "Signal keeps its messages encrypted with a key in the phone's key store "
                                             "(older ones with the owner's passphrase): they are not read."},
        Closed{"ch.threema.app", "Threema keeps its messages encrypted with a key of its own: they are not read."},
        Closed{"com.wickr.pro", "Wickr keeps its messages encrypted: they are not read."},
        Closed{"org.telegram.messenger", "Telegram keeps its messages in a form of its own (cache4.db): they are not "
                                         "read; its pictures are among the photos."},
        Closed{"com.facebook.orca", "Facebook Messenger is on the phone: its messages are not read by this version."},
        Closed{"com.viber.voip", "Viber is on the phone: its messages are not read by this version."}};
    for (const auto& one : closed) {
        if (!app_folders(*extraction.files, one.package).empty()) {
            report.notes.emplace_back(one.text);
        }
    }
}

} // namespace

Result<KindReport> extract_whatsapp(Extraction& extraction)
{
    KindReport report{.name = "whatsapp", .title = "WhatsApp"};
    name_the_closed(extraction, report);
    Writer writer{extraction, report};
    for (const auto& folder : app_folders(*extraction.files, package)) {
        if (auto names = SALVAGE_TRY(OpenDatabase::open(extraction, folder + "/databases/wa.db", report))) {
            SALVAGE_TRY(writer.read_names(*names));
            names->close(report);
        }
        if (auto store = SALVAGE_TRY(ChatStore::open(extraction, folder + "/databases/msgstore.db", report))) {
            SALVAGE_TRY(writer.write(*store));
            store->close(report);
        }
    }
    SALVAGE_TRY(writer.end());
    return report;
}

} // namespace salvage::artifact
