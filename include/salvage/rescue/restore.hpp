// Putting partitions back: what belongs where, by which tool, in which order and why; doing exactly that; proving it.
//
// A restore is a plan that a person reads first.  Nothing here unlocks a bootloader or writes what makes a phone that
// phone (IMEI, calibration, lock state).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/fastboot.hpp"
#include "salvage/device/flash.hpp"
#include "salvage/partition/layout.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {

/// What writes a partition.
enum class RestoreTool : std::uint8_t {
    fastboot,   ///< `flash` by a bootloader that is unlocked
    da_write,   ///< the download agent, to an address: no unlocked bootloader is needed
    flash_tool, ///< SP Flash Tool with the scatter file that the plan can write; not done by this program
};
[[nodiscard]] std::string_view to_string(RestoreTool tool) noexcept; ///< "fastboot", "da-write", "flash-tool"
[[nodiscard]] std::optional<RestoreTool> restore_tool_of(std::string_view name) noexcept;

/// Bytes to be put back: a range of a file as io::open_any opens it, and what they were when the plan was made.
struct RestoreImage {
    std::string path; ///< absolute
    ByteRange range;
    std::string sha256; ///< hex; bytes that could not be read from the old phone as the file has them
    bool operator==(const RestoreImage&) const = default;
};

struct RestoreStep {
    std::string partition; ///< as the phone calls it
    RestoreTool tool{RestoreTool::fastboot};
    RestoreImage image;
    std::string region{"user"};
    std::optional<ByteOffset> start;     ///< on the phone, in `region`; nothing: the tool goes by the name
    std::optional<ByteCount> phone_size; ///< of the partition on the phone; nothing: not known, or not to be trusted
    std::string why;                     ///< one sentence for the owner
    ByteCount bytes_a_second;            ///< the rate that the estimate is made with
    [[nodiscard]] std::uint64_t seconds() const noexcept; ///< rounded up
    bool operator==(const RestoreStep&) const = default;
};

/// A partition of the dump that is not written, although someone may think so.
struct RefusedPartition {
    std::string partition;
    std::string reason;
    std::string source;      ///< where the reason comes from
    bool can_be_asked_for{}; ///< by --also NAME
    bool operator==(const RefusedPartition&) const = default;
};

/// What a phone says of itself; unknown is nothing.
struct PhoneFacts {
    std::optional<std::string> product;
    std::optional<std::string> serial;
    std::optional<bool> is_unlocked;
    std::optional<ByteCount> max_download;
    bool operator==(const PhoneFacts&) const = default;
};

/// A partition as the phone has it.
struct PhonePartitionFacts {
    std::string name;
    std::string region{"user"};
    std::optional<ByteOffset> start;
    std::optional<ByteCount> size;
    bool is_size_trusted{true}; ///< MediaTek's bootloader caps the size that it tells of userdata
};

/// A restore as a document.  Findings of severity `error` keep it from being applied.
struct RestorePlan {
    std::string source;  ///< dump, or folder of parts; absolute
    std::string verdict; ///< code, as of Verdict
    std::string verdict_text;
    PhoneFacts phone;                    ///< as known when the plan was made; has to be so still when it is applied
    std::vector<std::string> known_from; ///< what was asked about the phone
    std::optional<std::string> firmware; ///< build fingerprint of the dump's system
    std::optional<std::string> phone_firmware; ///< of the phone's
    std::vector<Finding> missing;              ///< what the backup set lacks
    std::vector<RestoreStep> steps;            ///< in the order they are done
    std::vector<RefusedPartition> refused;
    std::vector<Finding> conflicts;
    std::vector<std::string> notes; ///< what the person does, in order
    std::vector<std::string> also;  ///< names that were asked for although they are not written by default

    [[nodiscard]] ByteCount bytes() const noexcept;
    [[nodiscard]] std::uint64_t seconds() const noexcept;
    /// The first finding that keeps the plan from being applied, or null.
    [[nodiscard]] const Finding* blocker() const noexcept;
};

/// What a plan is made from: a dump or a case, or the folder that `split` left.
struct RestoreSource {
    Dump dump; ///< of a folder: its parts laid where they were, the rest missing
    /// Image files of single partitions, by name; empty: the images are ranges of the dump.
    std::vector<std::pair<std::string, std::string>> parts;
    std::vector<std::string> boot_regions; ///< of "boot1" and "boot2", those with a file beside the dump
};
/// Errors: as open_dump; malformed (manifest.json of a folder), not_found (a part's file).
[[nodiscard]] Result<RestoreSource> open_restore_source(const DumpRequest& request);

/// What is known of the phone that is written to.
struct KnownPhone {
    std::optional<partition::Layout> layout; ///< of its GPT, or of the scatter file of what is on it now
    std::vector<std::pair<std::string, std::string>> variables; ///< of `getvar all`
    std::optional<std::string> firmware;
    std::vector<std::string> known_from;

    [[nodiscard]] PhoneFacts facts() const;
    /// Of the layout, and of partition-size where the layout does not say; nothing: not known to exist.
    [[nodiscard]] std::optional<PhonePartitionFacts> find(std::string_view partition) const;
    /// Whether all its partitions are known, so that one that is not found is not there.
    [[nodiscard]] bool is_layout_known() const noexcept { return layout.has_value(); }
};
/// `files`: its GPT, a dump of it, a scatter file.  Errors: as read_layout.
[[nodiscard]] Result<KnownPhone> know_phone_by_files(const std::vector<std::filesystem::path>& files);
/// Lines of `fastboot getvar all`, also with "(bootloader)" before them.  At most max_variables of them.
inline constexpr std::size_t max_variables = 4096;
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_variables(std::string_view text);

struct RestoreRequest {
    std::vector<std::string> only;     ///< these partitions and no others; empty: what makes userdata open
    std::vector<std::string> also;     ///< these too, although they are not written by default
    std::vector<std::string> accepted; ///< codes of findings that shall not keep the plan from being applied
    std::optional<RestoreTool> tool;   ///< nothing: chosen by what is known of the phone
};
/// Reads the planned partitions once, for their hashes.  Progress: step "plan", unit "bytes".
/// Errors: not_found (a name of `only` or `also`), refused (a name that is never written), invalid_argument (the source
/// is a key footer alone; names or paths that are no UTF-8 cannot stand in a plan), truncated (the file ends before a
/// partition begins), io, cancelled.
[[nodiscard]] Result<RestorePlan> plan_restore(const RestoreSource& source, const KnownPhone& phone,
                                               const RestoreRequest& request, const RunContext& context);

/// SHA-256 of the plan's canonical JSON, hex: what a person confirms.
[[nodiscard]] std::string hash_of(const RestorePlan& plan);
/// The document "salvage.restore-plan/1", with its hash; ends in a newline.  Format: docs/formats/restore-plan.md.
[[nodiscard]] std::string format_plan(const RestorePlan& plan);
/// Takes exactly what format_plan writes, byte for byte.
/// Errors: malformed (not a plan, or edited), unsupported (too large), refused (writes what is never written).
[[nodiscard]] Result<RestorePlan> parse_plan(ByteView bytes);
[[nodiscard]] Result<RestorePlan> load_plan(const std::filesystem::path& path);

/// A copy of a scatter file in which the flash tool downloads the plan's flash-tool steps and nothing else; every other
/// line stays as it is.  Errors: unsupported (not the YAML-like form), not_found (no step for the flash tool).
[[nodiscard]] Result<std::string> make_restore_scatter(const RestorePlan& plan, std::string_view scatter);

/// A phone that is written to: a bootloader, a download agent, or a test's stand-in.  One thread uses it at a time.
class RestoreTarget {
public:
    /// Hears of each piece that the phone has accepted.
    using PieceDone = std::function<Result<>(std::size_t piece)>;

    RestoreTarget() = default;
    RestoreTarget(const RestoreTarget&) = delete;
    RestoreTarget& operator=(const RestoreTarget&) = delete;
    virtual ~RestoreTarget() = default;

    [[nodiscard]] virtual RestoreTool tool() const noexcept = 0;
    [[nodiscard]] virtual Result<PhoneFacts> facts() = 0;
    /// As the phone has it now; nothing: it is not there, or the phone does not say.
    [[nodiscard]] virtual Result<std::optional<PhonePartitionFacts>> find(std::string_view partition) = 0;
    /// In how many pieces `image` goes over, and how large they are at most: the same for the same image and phone.
    struct Pieces {
        std::size_t count{};
        ByteCount most;
        bool operator==(const Pieces&) const = default;
    };
    [[nodiscard]] virtual Result<Pieces> pieces(const RestoreStep& step, const io::SourcePtr& image) = 0;
    /// Writes from piece `first` on.
    virtual Result<> write(const RestoreStep& step, const io::SourcePtr& image, std::size_t first,
                           const PieceDone& done, const RunContext& context) = 0;
    /// Lets the phone go, but not on to Android: a person looks first.
    virtual Result<> finish() = 0;
};
[[nodiscard]] std::unique_ptr<RestoreTarget> make_fastboot_target(device::Fastboot fastboot);
[[nodiscard]] std::unique_ptr<RestoreTarget> make_agent_target(std::unique_ptr<device::FlashWriter> writer);

struct ApplyRequest {
    std::string hash;              ///< as the person read it: all of it, or its first 12 digits or more
    std::filesystem::path journal; ///< append-only; goes on where an earlier run stopped
    enum class Mode : bool { dry_run, write };
    Mode mode{Mode::dry_run};
    /// Asked once, before the first write.
    std::function<bool(const RestorePlan& plan, const PhoneFacts& phone)> confirm;
};

/// What became of a step.
struct AppliedStep {
    enum class State : std::uint8_t { would_write, written, written_before, other_tool };
    std::string partition;
    State state{State::would_write};
    std::size_t pieces{}; ///< of the whole step
    std::size_t first{};  ///< that this run wrote or would write
};
[[nodiscard]] std::string_view to_string(AppliedStep::State state) noexcept; ///< "would-write", "written", …

struct ApplyReport {
    std::string hash;
    PhoneFacts phone;
    std::vector<AppliedStep> steps;
    bool is_dry_run{true};
    bool is_resumed{false}; ///< an earlier run had begun
    std::string journal;
};
/// Checks the hash, the phone and every image first, and writes nothing where anything differs from the plan; then does
/// the steps of `target`'s tool in order.  Progress: steps "check" and "flash", unit "bytes".
/// Errors: mismatch (the hash, the phone, an image differs; or the journal is of another plan or phone), refused (a
/// finding keeps the plan from being applied; locked; the phone said no), cancelled (also: not confirmed), those of the
/// target; all resumable by doing the same again.
[[nodiscard]] Result<ApplyReport> apply_restore(const RestorePlan& plan, RestoreTarget& target,
                                                const ApplyRequest& request, const RunContext& context);

/// What was read back from the phone after a restore.  One thread uses it at a time.
class ReadBack {
public:
    using Sink = device::FlashReader::Sink; ///< offsets count from the partition's start

    ReadBack() = default;
    ReadBack(const ReadBack&) = delete;
    ReadBack& operator=(const ReadBack&) = delete;
    virtual ~ReadBack() = default;
    /// Where the step's partition is.  Errors: not_found.
    [[nodiscard]] virtual Result<PhonePartitionFacts> find(const RestoreStep& step) = 0;
    /// Hands over the first `size` bytes of the partition, in order.  Errors: unreadable, those of the sink, …
    virtual Result<> read(const PhonePartitionFacts& partition, ByteCount size, const Sink& sink,
                          const RunContext& context) = 0;
};
[[nodiscard]] std::unique_ptr<ReadBack> make_dump_read_back(Dump dump);
[[nodiscard]] std::unique_ptr<ReadBack> make_flash_read_back(std::unique_ptr<device::FlashReader> reader);

struct VerifiedStep {
    std::string partition;
    std::string sha256; ///< of what was read back, hex
    bool is_same{false};
    std::optional<ByteOffset> first_difference; ///< in the partition
    std::optional<ByteOffset> on_phone;         ///< the same byte in its region
    std::uint8_t expected{};                    ///< that byte in the image
    std::uint8_t found{};                       ///< and on the phone
    std::uint64_t differing_mib{};              ///< MiB blocks with a difference
    std::uint64_t mib{};                        ///< of all
};
struct VerifyReport {
    std::vector<VerifiedStep> steps;
    /// Nothing where all is the same; else mismatch, naming the partition and the first byte.
    [[nodiscard]] std::optional<Error> first_mismatch() const;
};
/// Compares every step's image with the phone.  Progress: step "verify", unit "bytes".
/// Errors: mismatch (an image is no longer what was planned), not_found (partition), unreadable, io, cancelled.
[[nodiscard]] Result<VerifyReport> verify_restore(const RestorePlan& plan, ReadBack& read_back,
                                                  const RunContext& context);

} // namespace salvage::rescue
