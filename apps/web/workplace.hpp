// What is open: a dump with its case, what is known of it, and its files once it is unlocked.  What others hold stays
// theirs when it is closed: a download under way reads on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jobs.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/rescue/case_folder.hpp"
#include "salvage/rescue/case_searches.hpp"
#include "salvage/rescue/inspect.hpp"

namespace salvage::web {

enum class PlaceState : std::uint8_t {
    empty,
    opening,
    open,
    failed,
    gone, ///< the dump's file cannot be found any more
};
[[nodiscard]] std::string_view to_string(PlaceState state) noexcept;

/// A dump and its case, as long as it is open and somebody uses it.
struct OpenDump {
    std::uint64_t number{}; ///< no two have one
    rescue::DumpRequest request;
    rescue::Dump dump;
    std::unique_ptr<rescue::CaseFolder> folder;
    std::stop_source closed;

    /// For work that ends when the dump is closed.
    [[nodiscard]] RunContext context() const
    {
        RunContext out;
        out.stop = closed.get_token();
        return out;
    }
};

/// What is known of an open dump.  Immutable.
struct Known {
    std::uint64_t number{}; ///< no two are equal: what was made of one is not good for another
    std::shared_ptr<OpenDump> open;
    std::shared_ptr<const rescue::InspectReport> report;
    std::shared_ptr<const filesystem::FileSystem> files;   ///< null: not opened, or no filesystem
    std::shared_ptr<const filesystem::FileSystem> deleted; ///< null with `files`
    std::optional<Error> files_problem;                    ///< opened, and its filesystem cannot be read
    std::string identity;                                  ///< of the source of what is exported

    [[nodiscard]] const rescue::OpenedVolume* volume() const noexcept { return report->outcome.volume.get(); }
    [[nodiscard]] bool is_open() const noexcept { return files != nullptr; }
};
using KnownPtr = std::shared_ptr<const Known>;

/// For people and programs.
struct PlaceView {
    PlaceState state{PlaceState::empty};
    std::string path;
    std::string case_folder;
    std::optional<ByteCount> size;
    std::string container;
    KnownPtr known; ///< null before it is open
    bool needs_right{false};
    std::optional<Error> error;
};

struct OpenPlan {
    rescue::DumpRequest dump;
    std::filesystem::path case_folder; ///< empty: the dump's name with ".case" beside it
    std::string right;
    std::shared_ptr<rescue::OpenRequest> secrets; ///< may be null
    rescue::NamedSearch search;                   ///< begun once it is open, where attacks are named
};

/// Thread safe.
class Workplace {
public:
    explicit Workplace(std::function<void()> changed);
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    ~Workplace();

    [[nodiscard]] PlaceView view() const;
    /// Errors: not_found (nothing is open).
    [[nodiscard]] Result<KnownPtr> known() const;
    /// With files.  Errors: as known(); wrong_secret (not unlocked yet); what keeps the filesystem from being read.
    [[nodiscard]] Result<KnownPtr> opened() const;

    /// Says what is going to be opened.  Closes what was open; its jobs have been stopped by the caller.
    void begin(const OpenPlan& plan);
    /// Opens and looks at all of it.  Errors: those of opening, the case and inspecting; the state says so, too.
    Result<> open(const OpenPlan& plan, const RunContext& context);
    /// Tries secrets.  A volume that opens is there when this returns.  Errors: as known(), io, cancelled.
    Result<rescue::Verdict> unlock(rescue::OpenRequest secrets, std::string_view kind, std::string headline,
                                   const RunContext& context);
    /// Keeps by what right the person acts, in the case that is open.
    Result<> state_right(const std::string& right);
    void close();

private:
    void publish(const std::function<void()>& change);
    Result<KnownPtr> look(const OpenPlan& plan, const RunContext& context);
    void watch(const std::stop_token& stop);

    std::function<void()> changed_;
    mutable std::mutex mutex_; ///< of what follows
    PlaceView view_;
    std::uint64_t next_number_{1};
    std::mutex unlocking_; ///< one at a time: each takes seconds of all cores
    std::condition_variable_any tick_;
    std::jthread watcher_;
};

/// "NAME.case" beside the dump.
[[nodiscard]] std::filesystem::path default_case(const std::filesystem::path& dump);

} // namespace salvage::web
