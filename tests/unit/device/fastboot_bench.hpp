// A simulated bootloader on a thread of its own, over a cable, TCP or UDP, for tests of whoever talks to it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "salvage/device/fastboot.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"

namespace salvage::device {

using namespace literals;
using test::fails_with;
using test::is_ok;

inline ByteRange range(std::uint64_t start, std::uint64_t size)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{start + size});
}

inline Bytes noise(std::size_t size, unsigned seed = 1)
{
    std::mt19937 random{seed};
    Bytes out(size);
    for (auto& byte : out) {
        byte = static_cast<std::byte>(random() & 0xFFU);
    }
    return out;
}

inline constexpr std::uint64_t flash_bytes = 4U << 20U;
inline constexpr std::uint64_t boot_at = 64U << 10U;
inline constexpr std::uint64_t boot_bytes = 256U << 10U;
inline constexpr std::uint64_t userdata_at = 1U << 20U;
inline constexpr std::uint64_t userdata_bytes = (2U << 20U) + 512; // a tail, as real phones have
inline constexpr std::byte another_rom{0xA5};

enum class Medium : std::uint8_t { cable, tcp, udp };

inline std::string name_of(const ::testing::TestParamInfo<Medium>& info)
{
    switch (info.param) {
    case Medium::cable: return "Cable";
    case Medium::tcp: return "Tcp";
    case Medium::udp: return "Udp";
    }
    return "Unknown";
}

/// Counts the waits that a slow link would make, and makes none.
class CountingWaiter final : public Waiter {
public:
    void wait(std::chrono::nanoseconds time) override { waited_ += time.count(); }
    [[nodiscard]] std::chrono::nanoseconds waited() const { return std::chrono::nanoseconds{waited_.load()}; }

private:
    std::atomic<std::int64_t> waited_{0};
};

/// A phone that runs on a thread of its own.
class FastbootPhoneTest : public ::testing::TestWithParam<Medium> {
protected:
    FastbootPhoneTest()
    {
        options_.partitions = {{.name = "boot", .range = range(boot_at, boot_bytes)},
                               {.name = "userdata", .range = range(userdata_at, userdata_bytes)}};
        std::vector<PhoneFlash::RegionSource> regions;
        regions.push_back({.name = "user", .path = {}, .bytes = Bytes(flash_bytes, another_rom)});
        flash_ = PhoneFlash::open(std::move(regions), StorageKind::emmc).unwrap();
    }
    ~FastbootPhoneTest() override { stop_.request_stop(); }

    /// Switches the phone on.
    void start()
    {
        RunContext context;
        context.stop = stop_.get_token();
        if (GetParam() == Medium::cable) {
            auto pipe = make_pipe(512);
            host_ = std::move(pipe.host);
            phone_ = std::jthread{[this, context, cable = std::move(pipe.phone), own = pipe.waiter]() mutable {
                Waiter* const link_time = does_cable_take_time_ ? own.get() : &waiter_;
                ended_ = run_fastboot_phone(*cable, *flash_, options_, *link_time, context);
                cable.reset(); // the cable is pulled
            }};
            return;
        }
        auto server = GetParam() == Medium::tcp ? FastbootServer::listen_tcp("127.0.0.1", 0)
                                                : FastbootServer::listen_udp("127.0.0.1", 0);
        ASSERT_TRUE(is_ok(server));
        port_ = server->port();
        phone_ = std::jthread{[this, context, server = std::move(*server)]() mutable {
            ended_ = server.run(*flash_, options_, waiter_, context);
        }};
    }
    [[nodiscard]] std::unique_ptr<FastbootLink> link()
    {
        switch (GetParam()) {
        case Medium::cable: return make_fastboot_link(std::move(host_));
        case Medium::tcp: return connect_fastboot_tcp("127.0.0.1", port_).unwrap();
        case Medium::udp: return connect_fastboot_udp("127.0.0.1", port_).unwrap();
        }
        return nullptr;
    }
    [[nodiscard]] Fastboot connect()
    {
        if (port_ == 0 && !host_) {
            start();
        }
        return Fastboot{link(), [this](std::string_view line) { lines_.emplace_back(line); }};
    }

    [[nodiscard]] Bytes content(ByteRange where) const
    {
        Bytes out(static_cast<std::size_t>(where.size().value));
        EXPECT_TRUE(is_ok(flash_->read("user", where.start(), out)));
        return out;
    }
    [[nodiscard]] Bytes userdata() const { return content(range(userdata_at, userdata_bytes)); }
    /// Whatever is not in a partition is as it was.
    void expect_nothing_outside_written() const
    {
        for (const auto& [region, written] : flash_->writes()) {
            EXPECT_EQ(region, "user");
            EXPECT_TRUE(range(boot_at, boot_bytes).contains(written) ||
                        range(userdata_at, userdata_bytes).contains(written))
                << written.start().value << " + " << written.size().value;
        }
    }
    [[nodiscard]] Result<> flash(Fastboot& fastboot, std::string_view partition, const Bytes& image,
                                 ByteCount max_download = 1_GiB)
    {
        const auto plan = SALVAGE_TRY(Fastboot::plan_flash(io::make_memory(image, "image"), max_download));
        return fastboot.flash(partition, plan, 0, {}, RunContext{});
    }
    static void expect_refused(const Result<>& result, std::string_view words)
    {
        ASSERT_TRUE(fails_with(result, ErrorCode::refused));
        EXPECT_NE(result.error().why.find(words), std::string::npos) << result.error().why;
    }

    FastbootPhoneOptions options_;
    std::shared_ptr<PhoneFlash> flash_;
    std::unique_ptr<Transport> host_;
    std::uint16_t port_{0};
    CountingWaiter waiter_;            ///< of a slow link
    bool does_cable_take_time_{false}; ///< the cable's own clock goes on instead
    std::vector<std::string> lines_;
    Result<> ended_;
    std::stop_source stop_;
    std::jthread phone_; ///< last: it is gone before what it uses
};

} // namespace salvage::device
