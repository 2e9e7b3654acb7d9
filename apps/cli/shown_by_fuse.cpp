#include <future>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

#include "fuse/mount.hpp"
#include "fuse/tree.hpp"
#include "shown_by_fuse.hpp"

namespace salvage::cli {
namespace {

class MountedSource final : public rescue::ShownSource {
public:
    MountedSource(const io::SourcePtr& source, std::filesystem::path folder)
        : folder_{std::move(folder)}, path_{folder_ / "userdata.img"},
          tree_{fuse::Content{.userdata = source, .partitions = {}, .files = {}, .deleted = {}},
                fuse::Owner{.uid = ::getuid(), .gid = ::getgid(), .modified = {}}}
    {
    }
    MountedSource(const MountedSource&) = delete;
    MountedSource& operator=(const MountedSource&) = delete;
    ~MountedSource() override
    {
        stop_.request_stop();
        if (server_.joinable()) {
            server_.join();
        }
        std::error_code nothing_to_do;
        std::filesystem::remove(folder_, nothing_to_do);
    }

    [[nodiscard]] const std::filesystem::path& path() const noexcept override { return path_; }

    /// Returns when the path is there.
    Result<> begin()
    {
        std::promise<Result<>> ready;
        auto is_ready = ready.get_future();
        server_ = std::thread{[this, ready = std::move(ready)]() mutable {
            bool was_told = false;
            const fuse::MountEvents events{.on_ready =
                                               [&] {
                                                   was_told = true;
                                                   ready.set_value(Result<>{});
                                               },
                                           .on_problem = {}};
            auto ended = fuse::mount_and_serve(tree_, {.at = folder_, .name = "salvage", .is_for_everyone = false},
                                               events, stop_.get_token());
            if (!was_told) {
                ready.set_value(ended.has_value() ? Result<>{cancelled("mounting")} : std::move(ended));
            }
        }};
        return is_ready.get();
    }

private:
    std::filesystem::path folder_;
    std::filesystem::path path_;
    fuse::Tree tree_;
    std::stop_source stop_;
    std::thread server_;
};

} // namespace

Result<std::unique_ptr<rescue::ShownSource>>
show_by_fuse(const io::SourcePtr& source, const std::filesystem::path& folder, const RunContext& /*context*/)
{
    const auto at = std::filesystem::absolute(folder) / "mounted";
    std::error_code problem;
    std::filesystem::create_directory(at, problem);
    if (problem) {
        return from_errno(problem.value(), "a folder to mount in cannot be made", at.string());
    }
    SALVAGE_TRY(fuse::check_mount_point(at));
    auto out = std::make_unique<MountedSource>(source, at);
    SALVAGE_TRY(out->begin());
    return std::unique_ptr<rescue::ShownSource>{std::move(out)};
}

} // namespace salvage::cli
