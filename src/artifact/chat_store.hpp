// WhatsApp's msgstore.db: the older form with all in the table messages, the newer one with chat, message, jid.
// Spec: none is published; docs/formats/android-databases.md has what is relied on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "artifact/reading.hpp"

namespace salvage::artifact {

struct ChatHead {
    std::string chat; ///< "442079460018@s.whatsapp.net"
    std::int64_t time_ms{};
    std::int64_t row{};
};

struct ChatMessage {
    ChatHead head;
    bool is_own{false};
    std::string sender; ///< in a group; empty: the other side
    std::string text;
    std::string note;       ///< "a place: 48.1, 11.5"
    std::string media_name; ///< as the sender called it
    std::string media_type;
    std::string media_path; ///< below the messenger's folder: "Media/WhatsApp Images/IMG-….jpg"; empty: not known
    Origin origin;
};

class ChatStore {
public:
    /// Nothing where there is none.  Errors: cancelled.
    [[nodiscard]] static Result<std::optional<ChatStore>> open(const Extraction& extraction, const std::string& path,
                                                               KindReport& report);

    /// By chat, then by time.
    [[nodiscard]] const std::vector<ChatHead>& heads() const noexcept { return heads_; }
    /// The group's name, or empty.
    [[nodiscard]] std::string subject(const std::string& chat) const;
    /// Errors: cancelled.
    Result<std::optional<ChatMessage>> load(const ChatHead& head);
    void close(KindReport& report) { database_.close(report); }

private:
    explicit ChatStore(OpenDatabase database) : database_{std::move(database)} {}
    Result<> read_older();
    Result<> read_newer();
    Result<std::optional<ChatMessage>> load_older(const ChatHead& head);
    Result<std::optional<ChatMessage>> load_newer(const ChatHead& head);

    OpenDatabase database_;
    bool is_newer_{false};
    std::vector<ChatHead> heads_;
    std::map<std::string, std::string> subjects_;
    std::map<std::int64_t, std::string> addresses_; ///< jid rows of the newer form
    std::map<std::int64_t, std::int64_t> chats_;    ///< chat row to jid row
};

/// "Media/WhatsApp Images/IMG-….jpg" in a serialized Java object that holds it.  Empty where there is none.
[[nodiscard]] std::string media_path_in(ByteView serialized);

} // namespace salvage::artifact
