// A disk that is soon full, for tests; needs the right to mount.
#pragma once

#include <filesystem>

#include <sys/mount.h>

#include <gtest/gtest.h>

namespace salvage::test {

/// A small filesystem in memory that is gone with the object.
class SmallDisk {
public:
    explicit SmallDisk(const std::filesystem::path& at) : at_{at}
    {
        std::filesystem::create_directories(at);
        is_mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=2m,nr_inodes=1000") == 0;
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk()
    {
        if (is_mounted_) {
            ::umount(at_.c_str());
        }
    }
    [[nodiscard]] bool is_mounted() const noexcept { return is_mounted_; }
    void enlarge() const { ASSERT_EQ(::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, "size=32m"), 0); }

private:
    std::filesystem::path at_;
    bool is_mounted_{false};
};

} // namespace salvage::test
