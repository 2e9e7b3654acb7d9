// What the kinds of data are given, and what they hand on: files of the phone in, files and pages for people out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/artifact/pages.hpp"
#include "salvage/artifact/sqlite.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

/// A file or folder of the phone.
struct PhoneEntry {
    std::string name;
    bool is_folder{false};
    ByteCount size;
    std::int64_t modified_ns{}; ///< nanoseconds since 1970 UTC
};

/// The files of the opened volume: paths from its root, "/data/com.android.providers.contacts/databases/contacts2.db".
class PhoneFiles {
public:
    PhoneFiles() = default;
    PhoneFiles(const PhoneFiles&) = delete;
    PhoneFiles& operator=(const PhoneFiles&) = delete;
    virtual ~PhoneFiles() = default;
    /// What is in a folder, in the order of the names' bytes.  Empty where there is no such folder, and what can be
    /// read of a damaged one.  Links are left out.
    [[nodiscard]] virtual std::vector<PhoneEntry> list(const std::string& folder) const = 0;
    /// Nothing where there is no such file or folder.
    [[nodiscard]] virtual std::optional<PhoneEntry> find(const std::string& path) const = 0;
    /// Errors: not_found, malformed, io.
    [[nodiscard]] virtual Result<io::SourcePtr> open(const std::string& path) const = 0;
    /// build.prop of the system's own partition, or null where that is not at hand.
    [[nodiscard]] virtual io::SourcePtr system_properties() const = 0;
};

/// Where an item came from.
struct Origin {
    std::string file; ///< on the phone
    std::string table{};
    std::optional<std::int64_t> row{};
    std::optional<std::uint64_t> byte{}; ///< of the raw dump, where the row begins
};
/// "/data/…/mmssms.db, sms, row 17".
[[nodiscard]] std::string to_string(const Origin& origin);

/// A file as it was put into the folder.
struct Stored {
    std::string path;         ///< in the folder, with '/'
    std::string sha256;       ///< of the file as it is there
    ByteCount lost;           ///< bytes that could not be read: zeros
    bool is_duplicate{false}; ///< the same bytes lie under another name, too: both names are of one file
};

/// A text that is written piece by piece.  Appears under its name when the extraction is finished.
class TextOutput {
public:
    TextOutput() = default;
    TextOutput(const TextOutput&) = delete;
    TextOutput& operator=(const TextOutput&) = delete;
    virtual ~TextOutput() = default;
    /// Errors: io, no_space.
    virtual Result<> add(std::string_view text) = 0;
    /// Requires: nothing is added later.  Errors: io, no_space.
    virtual Result<> finish() = 0;
};

/// Where results go.  Paths are ours, names may be the phone's: any bytes, made safe here.
class Sink {
public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;
    /// Errors: io, no_space.
    virtual Result<std::unique_ptr<TextOutput>> begin(const std::string& path) = 0;
    /// Copies a file of the phone into `folder`, under `name` or one like it that is free.  What cannot be read of it
    /// is zeros; a file that cannot be read at all is an error of code malformed, unreadable, truncated or unsupported.
    /// Errors: these; io, no_space, cancelled.
    virtual Result<Stored> store(const io::ByteSource& content, const std::string& folder, const std::string& name,
                                 std::optional<std::int64_t> modified_ns, const Origin& origin) = 0;
    virtual Result<> page(const TablePage& page) = 0;
    virtual Result<> page(const ConversationPage& page) = 0;
    virtual Result<> page(const GalleryPage& page) = 0;
    virtual void index(IndexEntry entry) = 0;
};

/// A database that was looked into.
struct DatabaseReport {
    std::string file;
    std::int64_t schema{};            ///< user_version
    std::vector<std::string> read;    ///< tables
    std::vector<std::string> unread;  ///< tables that nothing was taken from
    std::vector<std::string> missing; ///< columns that were looked for and are not there: "sms.date_sent"
    std::uint64_t damaged_rows{};
    std::vector<std::string> problems;
};

/// What came of one kind of data.
struct KindReport {
    std::string name;  ///< "messages"
    std::string title; ///< "Messages"
    std::uint64_t items{};
    std::uint64_t damaged{}; ///< items that are not whole
    std::string page{};      ///< path of its first page in the folder; empty: there is none
    std::vector<std::string> outputs{};
    std::vector<DatabaseReport> databases{};
    std::vector<std::string> sources{};  ///< other files that were read
    std::vector<std::string> notes{};    ///< what was assumed; what is encrypted, and why it stays so
    std::vector<std::string> problems{}; ///< what could not be read
    bool is_deleted{false};              ///< what the phone no longer has: found where it has not written since
};

/// Names by number or address, for kinds that know only those.
class NameBook {
public:
    void add(std::string_view address, const std::string& name);
    /// Empty where nobody is known.  Numbers are the same where their last eight digits are.
    [[nodiscard]] std::string find(std::string_view address) const;

private:
    std::map<std::string, std::string, std::less<>> names_;
};

/// What a phone's files may make of themselves: far more than is on any phone, so that nothing made up fills memory or
/// disk.  What is beyond is left out, and the report says how much.
struct Bounds {
    std::uint64_t rows_a_table{2'000'000};
    std::size_t kept_a_database{96U << 20U}; ///< bytes in memory
    std::size_t shown_rows{100'000};         ///< of a page in memory, before it is drawn; CSV and JSON have all
    std::size_t shown_bytes{32U << 20U};     ///< the same
    std::size_t conversations{20'000};       ///< with pages of their own
    std::size_t photos{500'000};
    std::size_t folders{100'000}; ///< that are looked into for photos
};

/// One extraction under way: what each kind is given.
struct Extraction {
    const PhoneFiles* files{nullptr};
    Sink* sink{nullptr};
    const RunContext* context{nullptr};
    NameBook names{};
    Bounds bounds{};
};

/// One kind of data.
struct Kind {
    std::string_view name;  ///< "contacts", as --only takes it
    std::string_view title; ///< "Contacts"
    /// Errors: those of the sink; cancelled.  What is wrong with the phone's data is in the report.
    Result<KindReport> (*extract)(Extraction& extraction);
};

/// All kinds, in the order in which they are extracted.
[[nodiscard]] std::span<const Kind> kinds() noexcept;
/// What was deleted and is still held by the databases, of the kinds with these names.
[[nodiscard]] std::span<const Kind> deleted_kinds() noexcept;

/// Fills the names, whichever kinds are wanted.  Errors: cancelled.
Result<> learn_names(Extraction& extraction);

} // namespace salvage::artifact
