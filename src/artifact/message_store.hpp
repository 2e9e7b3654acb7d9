// SMS and MMS as Android's TelephonyProvider keeps them: mmssms.db and the files of its parts.
// Spec: AOSP packages/providers/TelephonyProvider, MmsSmsDatabaseHelper.java; docs/formats/android-databases.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "artifact/reading.hpp"

namespace salvage::artifact {

/// Where a message lies: Telephony.TextBasedSmsColumns' types; MMS boxes have the same numbers as far as they go.
enum class Box : std::uint8_t { unknown = 0, inbox = 1, sent = 2, draft = 3, outbox = 4, failed = 5, queued = 6 };
[[nodiscard]] Box box_of(std::optional<std::int64_t> type) noexcept;
/// "inbox", "sent" …; "unknown".
[[nodiscard]] std::string_view to_string(Box box) noexcept;
/// What MMS have for a time, in milliseconds; nothing of 0 and of what is no time.
[[nodiscard]] std::optional<std::int64_t> from_seconds(std::optional<std::int64_t> seconds) noexcept;

/// Enough of a message to sort it, so that 200,000 of them need a few MiB.
struct MessageHead {
    std::int64_t thread{};
    std::int64_t date_ms{};
    std::int64_t row{};
    bool is_mms{false};
};

struct MmsPart {
    Row row; ///< values in the order of part_columns
    std::string mime_type;
    std::string name; ///< as the sender called it, or empty
    std::string text; ///< where the provider kept it as text
    std::string file; ///< on the phone, or empty
};
struct MmsAddress {
    std::string address;
    std::string type;    ///< 137 from, 151 to, 130 cc, 129 bcc
    std::string charset; ///< IANA's MIB number
};

struct Message {
    MessageHead head;
    std::optional<std::int64_t> date_ms;
    std::optional<std::int64_t> sent_ms;
    Box box{Box::unknown};
    std::string address; ///< of an SMS: the other side; of an MMS: who sent it
    std::string subject;
    std::string body;
    Row row; ///< values in the order of sms_columns or pdu_columns
    std::vector<MmsPart> parts;
    std::vector<MmsAddress> addresses;
    Origin origin;
};

inline constexpr std::array<std::string_view, 17> sms_columns{
    "thread_id", "address",        "date",   "date_sent", "type",       "subject", "body",   "read",   "status",
    "protocol",  "service_center", "locked", "sub_id",    "error_code", "seen",    "person", "creator"};
inline constexpr std::array<std::string_view, 31> pdu_columns{
    "thread_id", "date",  "date_sent", "msg_box",     "sub",      "sub_cs",  "m_type",  "ct_t",
    "read",      "m_id",  "rr",        "read_status", "seen",     "resp_st", "retr_st", "d_tm",
    "text_only", "exp",   "locked",    "st",          "m_size",   "rpt_a",   "pri",     "tr_id",
    "ct_l",      "m_cls", "d_rpt",     "v",           "retr_txt", "sub_id",  "creator"};
inline constexpr std::array<std::string_view, 14> part_columns{"mid", "seq", "ct",    "name",  "chset", "cd",    "fn",
                                                               "cid", "cl",  "ctt_s", "ctt_t", "text",  "_data", "_id"};

/// One mmssms.db.
class MessageStore {
public:
    /// Nothing where there is none.  `folder` is the provider's: "/data/com.android.providers.telephony".
    /// Errors: cancelled.
    [[nodiscard]] static Result<std::optional<MessageStore>> open(const Extraction& extraction,
                                                                  const std::string& folder, KindReport& report);

    /// By thread, then by time.
    [[nodiscard]] const std::vector<MessageHead>& heads() const noexcept { return heads_; }
    /// Nothing where the row cannot be read.  Errors: cancelled.
    Result<std::optional<Message>> load(const MessageHead& head);
    /// Addresses of a thread, as the provider keeps them; empty where the thread is not known.
    [[nodiscard]] std::vector<std::string> recipients(std::int64_t thread) const;
    void close(KindReport& report) { database_.close(report); }

private:
    explicit MessageStore(OpenDatabase database, std::string folder)
        : database_{std::move(database)}, folder_{std::move(folder)}
    {
    }
    Result<> read_index();
    Result<> read_threads();
    Result<> read_children(std::string_view table, std::string_view parent,
                           std::vector<std::pair<std::int64_t, std::int64_t>>& into);
    void keep(std::map<std::int64_t, std::string>& into, const Row& row, std::size_t most);
    [[nodiscard]] Message to_sms(const MessageHead& head, Row row) const;
    Result<Message> to_mms(const MessageHead& head, Row row);
    [[nodiscard]] MmsPart to_part(Row row) const;

    OpenDatabase database_;
    std::string folder_;
    std::vector<MessageHead> heads_;
    std::vector<std::pair<std::int64_t, std::int64_t>> parts_;     ///< message, row; sorted
    std::vector<std::pair<std::int64_t, std::int64_t>> addresses_; ///< the same
    std::map<std::int64_t, std::string> canonical_;
    std::map<std::int64_t, std::string> threads_; ///< recipient_ids
};

} // namespace salvage::artifact
